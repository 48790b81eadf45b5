/**
 * Jupyter Notebook 7 has another shell than JupyterLab: no status bar, one document, panels that are closed.
 */
import { SHORT } from './support/notebooks';
import { expect, hasModule, test } from './support/stage';

test.skip(!hasModule('notebook'), 'Notebook 7 is not installed here (pip install notebook)');
test.use({ play: { endpoint: 'emulator', app: 'notebook' }, autoGoto: false });

test('the button, the sheet, the sidebar and the log in Notebook 7', async ({
  lab,
  notebook,
  page,
  stage
}) => {
  const path = notebook('seven.ipynb', SHORT);
  await lab.bare.goto(`${stage.jupyter.url}/notebooks/${path}`);
  await expect(lab.runButton).toBeVisible();
  await lab.runFirstTime();

  const toast = page.locator('.Toastify__toast', { hasText: 'is complete' });
  await expect(toast).toBeVisible();
  await toast.getByRole('button', { name: 'Open log' }).click();
  await expect(lab.logView.getByRole('log')).toContainText('hello from the run');

  await page.keyboard.press('Control+Shift+c');
  await page.locator('.lm-CommandPalette-input').pressSequentially('Show Kaggle Sidebar');
  await page.keyboard.press('Enter');
  const row = lab.endedRuns.filter({ hasText: 'seven' });
  await expect(row).toContainText('Complete');
  await row.click();
  await expect(lab.detail).toContainText('All are in');
  expect(lab.read(`kaggle-output/${path.replace('.ipynb', '')}/v1/hello.txt`)).toBe('hello');
});
