/**
 * What happens around a run: the Jupyter server goes away, the page is loaded anew.
 */
import { SHORT, TRAINING } from './support/notebooks';
import { expect, test } from './support/stage';

// galata's own bookkeeping of kernels does not bear a server that is away.
test.use({ kernels: null, sessions: null, terminals: null });

test('the server is restarted in mid-run, and the page shows the end of it', async ({
  lab,
  notebook,
  page,
  stage
}) => {
  const { emulator, jupyter } = stage;
  await lab.open(notebook('long.ipynb', TRAINING));
  await lab.openSidebar();
  await lab.runFirstTime();
  const card = lab.runningCards.filter({ hasText: 'long' });
  await card.getByRole('button', { name: 'Log' }).click();
  await emulator.openGate('first');
  await expect(lab.logRows.filter({ hasText: 'epoch 1 of 2' })).toHaveCount(1);

  // JupyterLab itself says so too, once.
  await page.addLocatorHandler(page.getByRole('dialog', { name: /Server Connection Error/ }), dialog =>
    dialog.getByRole('button').last().click()
  );
  await jupyter.stop();
  await lab.sidebar.getByRole('button', { name: 'Refresh account, quota and runs' }).click();
  await expect(lab.sidebar).toContainText('The Jupyter server cannot be reached');
  await expect(card).toBeVisible();
  // The run ends while there is no server to see it.
  await emulator.openGate('second');
  await expect.poll(async () => (await emulator.sessions())[0].ended_at, { timeout: 40_000 }).not.toBeNull();

  await jupyter.start();
  const row = lab.endedRuns.filter({ hasText: 'long' });
  await expect(row).toContainText('Complete', { timeout: 40_000 });
  await expect(lab.sidebar).not.toContainText('cannot be reached');
  for (const line of ['training starts', 'epoch 1 of 2', 'epoch 2 of 2']) {
    await expect(lab.logRows.filter({ hasText: line })).toHaveCount(1);
  }
  await row.click();
  await expect(lab.detail).toContainText('All are in');
  expect(await lab.pushes()).toBe(1);
});

test.describe('with the layout that JupyterLab itself keeps', () => {
  test.use({ mockState: false });

  test('a reload brings back the sidebar, the log and the outputs', async ({ lab, notebook, page }) => {
    await lab.open(notebook('kept.ipynb', SHORT));
    await lab.openSidebar();
    await lab.runFirstTime();
    const row = lab.endedRuns.filter({ hasText: 'kept' });
    await expect(row).toContainText('Complete');
    await row.click();
    await lab.detail.getByRole('button', { name: 'Log', exact: true }).click();
    await expect(lab.logView.getByRole('log')).toContainText('hello from the run');
    const saved = page.waitForResponse(
      response =>
        response.request().method() === 'PUT' &&
        response.url().includes('/api/workspaces/') &&
        (response.request().postData() ?? '').includes('kaggle-lab-outputs:')
    );
    await lab.logView.getByRole('button', { name: 'Outputs' }).click();
    await expect(page.getByRole('tab', { name: 'Outputs: kept notebook v1' })).toBeVisible();
    await saved;
    await page.getByRole('tab', { name: 'Log: kept notebook v1' }).click();

    await lab.bare.reload();
    await page.getByRole('tab', { name: 'Outputs: kept notebook v1' }).click();
    await expect(page.locator('.jp-KaggleLab-outputsView')).toContainText('hello.txt');
    await page.getByRole('tab', { name: 'Log: kept notebook v1' }).click();
    await expect(lab.logView.getByRole('log')).toContainText('hello from the run');
    await expect(lab.sidebar).toBeVisible();
    await expect(lab.endedRuns.filter({ hasText: 'kept' })).toContainText('Complete');
  });
});
