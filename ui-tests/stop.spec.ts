/**
 * Runs that do not end well: stopped by the user, or failed.
 */
import { ENDLESS, FAILING } from './support/notebooks';
import { expect, test } from './support/stage';

test('stopping shows “Stopping…” until Kaggle confirms it, and then Stopped', async ({
  lab,
  notebook,
  stage
}) => {
  const { emulator } = stage;
  await lab.open(notebook('endless.ipynb', ENDLESS));
  await lab.openSidebar();
  await lab.runFirstTime();
  const card = lab.runningCards.filter({ hasText: 'endless' });
  await expect(card).toContainText('until somebody stops me');

  // The session will end, but for the time being nobody gets to hear of it.
  await emulator.fault({ method: 'GetKernelSessionStatus', status: 500, count: 10_000 });
  await emulator.fault({ method: 'LogsStream', status: 500, count: 10_000 });
  await card.getByRole('button', { name: 'Stop', exact: true }).click();
  await expect(card).toContainText('Stop this run?');
  await card.getByRole('button', { name: 'Keep running' }).click();
  expect(await emulator.requests('CancelKernelSession')).toHaveLength(0);
  await card.getByRole('button', { name: 'Stop', exact: true }).click();
  await card.getByRole('button', { name: 'Stop it' }).click();
  await expect(card.locator('.jp-KaggleLab-status')).toHaveText('Stopping…');
  await expect(card.getByRole('button', { name: 'Stopping…' })).toBeDisabled();
  await expect.poll(async () => (await emulator.sessions())[0].ended_at).not.toBeNull();
  await expect(card.locator('.jp-KaggleLab-status')).toHaveText('Stopping…');
  await expect(lab.endedRuns.filter({ hasText: 'endless' })).toHaveCount(0);

  await emulator.clearFaults();
  const ended = lab.endedRuns.filter({ hasText: 'endless' });
  await expect(ended).toContainText('Stopped');
  await expect(lab.runningCards.filter({ hasText: 'endless' })).toHaveCount(0);
  expect((await emulator.requests('CancelKernelSession')).length).toBeGreaterThan(0);
});

test('a failing cell: which one, why, and what to do', async ({ lab, notebook, page }) => {
  await lab.open(notebook('failing.ipynb', FAILING));
  await lab.openSidebar();
  await lab.runFirstTime();
  const toast = page.locator('.Toastify__toast', { hasText: 'failed' });
  await expect(toast).toContainText('ZeroDivisionError');
  await toast.getByRole('button', { name: 'Open log' }).click();
  const log = lab.logView.getByRole('log');
  await expect(log).toContainText('dividing');
  await expect(log).toContainText('ZeroDivisionError: division by zero');
  await expect(log).not.toContainText('never reached');
  await expect(log).not.toContainText('\u001b');

  const row = lab.endedRuns.filter({ hasText: 'failing' });
  await expect(row).toContainText('Failed');
  await row.click();
  const note = lab.detail.locator('.jp-KaggleLab-note.jp-mod-bad');
  await expect(note).toContainText(/cell 2/i);
  await expect(note).toContainText('ZeroDivisionError: division by zero');
  await expect(note.locator('.jp-KaggleLab-remedy')).not.toBeEmpty();
});
