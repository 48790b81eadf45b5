/**
 * Years of use: 10,000 runs, and a log of 200,000 lines.
 */
import { expect, test } from './support/stage';

const MOST_ROWS = 150;

test.use({ play: { endpoint: 'emulator', seed: 'seed_store.py' } });

test('10,000 runs: only a window of them is drawn, down to the very first', async ({ lab }) => {
  await lab.openSidebar();
  const list = lab.sidebar.getByRole('listbox', { name: 'Ended runs' });
  await expect(lab.endedRuns.first()).toContainText('run 10000');
  await list.focus();
  await expect
    .poll(
      async () => {
        await list.press('End');
        expect(await lab.endedRuns.count()).toBeLessThan(MOST_ROWS);
        return lab.endedRuns.last().textContent();
      },
      { timeout: 60_000, intervals: [20] }
    )
    .toMatch(/^run 1(?!\d)/);
  await expect(list).toHaveAttribute('aria-activedescendant', new RegExp(`${'1'.padStart(32, '0')}$`));
  await list.press('Home');
  await expect(lab.endedRuns.first()).toContainText('run 10000');
});

test('a log of 200,000 lines: from its end to its beginning, and through it', async ({ lab }) => {
  await lab.openSidebar();
  await lab.endedRuns.first().click();
  await lab.detail.getByRole('button', { name: 'Log', exact: true }).click();
  const log = lab.logView.getByRole('log');
  await expect(log).toContainText('step 199999 of 200000');
  expect(await lab.logRows.count()).toBeLessThan(MOST_ROWS);

  await lab.logView.getByRole('button', { name: 'Load the earlier lines' }).click();
  await expect(lab.logView.locator('.jp-KaggleLab-logState')).toContainText('200000 lines', {
    timeout: 60_000
  });
  await log.focus();
  await expect(async () => {
    await log.press('Home');
    await expect(lab.logRows.first()).toHaveText('step 0 of 200000', { timeout: 1000 });
  }).toPass();
  expect(await lab.logRows.count()).toBeLessThan(MOST_ROWS);

  const search = lab.logView.getByRole('textbox', { name: 'Search the log' });
  await search.fill('needle');
  await expect(lab.logView.getByRole('search')).toContainText('1 of 1');
  await expect(log.locator('mark')).toHaveText('needle');
  await search.press('Escape');
  await log.press('End');
  await expect(lab.logRows.last()).toHaveText('step 199999 of 200000');
  expect(await lab.logRows.count()).toBeLessThan(MOST_ROWS);
});
