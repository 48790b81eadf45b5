/**
 * The menu below the button's caret, and the quota.
 */
import { gate, SHORT, type INotebook } from './support/notebooks';
import { expect, test } from './support/stage';

const HELD: INotebook = { cells: [['print("on the machine", flush=True)'], gate('go')] };

test('accelerators with the quota they use, and saving without running', async ({
  lab,
  notebook,
  page,
  stage
}) => {
  await stage.emulator.use('learner', { gpu_used_hours: 8.6, tpu_used_hours: 20 });
  const path = notebook('choices.ipynb', SHORT);
  await lab.open(path);

  await lab.caret.click();
  await expect(lab.menuItem('EMULATOR: runs on this computer, not on Kaggle')).toBeVisible();
  await expect(lab.menuItem(/^GPU: 21\.4 h of 30 h left this week, renewed in/)).toBeVisible();
  await expect(lab.menuItem(/^TPU: 0 h of 20 h left this week/)).toBeVisible();
  for (const name of ['None (CPU)', 'GPU T4 x2', 'TPU v5e-8']) {
    await expect(lab.menuItem(name)).toBeVisible();
  }
  await lab.menuItem('Not open to everyone, or retired').hover();
  const others = page.locator('.lm-Menu').last();
  await expect(others).toContainText('GPU P100 (retired)');
  await expect(others).toContainText('GPU H100 (not open to everyone)');
  await lab.menuItem('GPU T4 x2').click();
  await expect(lab.caret).toContainText('GPU T4 x2');

  // The choice is in the sheet, with what it costs.
  await lab.runButton.click();
  await expect(lab.sheet.getByLabel('Accelerator', { exact: true })).toHaveValue('t4x2');
  await expect(lab.sheet).toContainText('2 x NVIDIA T4');
  await expect(lab.sheet).toContainText('21.4 h of 30 h left this week');
  await lab.sheet.getByLabel('Accelerator', { exact: true }).selectOption('p100');
  await expect(lab.sheet).toContainText('Kaggle gives GPU T4 x2 instead.');
  await lab.sheetButton('Cancel').click();
  await expect(lab.sheet).toBeHidden();
  expect(await lab.pushes()).toBe(0);

  await lab.caret.click();
  await lab.menuItem('Save without running').click();
  await lab.sheetButton('Save without running').click();
  await expect(lab.sheet).toBeHidden();
  await lab.openSidebar();
  await expect(lab.endedRuns.filter({ hasText: 'choices' })).toContainText('Saved, not run');
  expect(await lab.pushes()).toBe(1);
  expect((await stage.emulator.requests('LogsStream')).length).toBe(0);
});

test('the gauges: used, reserved by a run, left', async ({ lab, notebook, stage }) => {
  await stage.emulator.use('learner', { gpu_used_hours: 8.6, tpu_used_hours: 0 });
  await lab.open(notebook('held.ipynb', HELD));
  const sidebar = await lab.openSidebar();
  const gauge = sidebar.getByRole('meter', { name: 'GPU hours this week' });
  /** Kaggle is not asked more often than every few seconds, however often one clicks. */
  const shows = (text: string | RegExp): Promise<void> =>
    expect(async () => {
      await sidebar.getByRole('button', { name: 'Refresh account, quota and runs' }).click();
      await expect(gauge).toHaveAttribute('aria-valuetext', text, { timeout: 1000 });
    }).toPass({ timeout: 30_000 });
  await shows('21.4 h left of 30 h · 8.6 h used');
  await expect(sidebar.getByRole('meter', { name: 'TPU hours this week' })).toHaveAttribute(
    'aria-valuetext',
    '20 h left of 20 h · 0 h used'
  );
  await expect(sidebar.getByRole('region', { name: 'Weekly quota' })).toContainText(/resets in \d/);

  // A run with a GPU keeps hours back as long as it lasts.
  await lab.runButton.click();
  await lab.sheet.getByLabel('Accelerator', { exact: true }).selectOption('t4x2');
  await lab.sheet.getByLabel('Time limit').selectOption('3600');
  await lab.sheetButton('Run on Kaggle').click();
  const card = lab.runningCards.filter({ hasText: 'held' });
  await expect(card).toContainText('GPU T4 x2');
  await expect(card).toContainText('emulated on this computer');
  await expect(card).toContainText('on the machine');
  await shows(/^20\.[34] h left of 30 h · 8\.[67] h used · (1|0\.9) h reserved$/);
  await stage.emulator.openGate('go');
  await expect(lab.endedRuns.filter({ hasText: 'held' })).toContainText('Complete');
  await shows(/^21\.3 h left of 30 h · 8\.7 h used$/);
});
