/**
 * From the click to the files: the story that everything else is for.
 */
import * as fs from 'node:fs';
import { SHORT, TRAINING } from './support/notebooks';
import { expect, test } from './support/stage';

test('from the click to the files, with the notebook as it is on screen', async ({
  lab,
  notebook,
  page,
  stage
}) => {
  const path = notebook('train digits.ipynb', TRAINING);
  const before = lab.read(path);
  const panel = await lab.open(path);

  // An edit that is not saved.
  await page.notebook.setCell(0, 'code', 'epochs = 2\nprint("edited, not saved")');

  await lab.runButton.click();
  await expect(lab.sheet.getByLabel('Title on Kaggle')).toHaveValue(/train digits/);
  await expect(lab.sheet.getByLabel('Accelerator', { exact: true })).toHaveValue('none');
  await expect(lab.sheet.getByLabel('Private: only you can see it')).toBeChecked();
  await expect(lab.sheet).toContainText('4 code cells');
  await lab.sheetButton('Run on Kaggle').click();
  await expect(lab.sheet).toBeHidden();

  const sidebar = await lab.openSidebar();
  const card = lab.runningCards.filter({ hasText: 'train digits' });
  await expect(card).toContainText('Running');
  await expect(card).toContainText('EMULATOR');
  await expect(page.locator('#jp-main-statusbar')).toContainText('1 running');

  // The log grows while we look at it.
  await card.getByRole('button', { name: 'Log' }).click();
  const lines = lab.logView.getByRole('log');
  await expect(lines).toContainText('edited, not saved');
  await expect(lines).not.toContainText('epoch 1');
  await stage.emulator.openGate('first');
  await expect(lines).toContainText('epoch 1 of 2, loss 0.71');
  await expect(card).toContainText('epoch 1 of 2');
  await expect(lines).not.toContainText('epoch 2 of 2');
  await stage.emulator.openGate('second');
  await expect(lines).toContainText('epoch 2 of 2, loss 0.43');
  await expect(lines.locator('.ansi-green-fg')).toHaveText('epoch 2 of 2, loss 0.43');

  await expect(lab.endedRuns.filter({ hasText: 'train digits' })).toContainText('Complete');
  await lab.endedRuns.first().click();
  await expect(lab.detail).toContainText('All are in');
  const tree = lab.detail.getByRole('tree');
  for (const name of ['model.bin', 'metrics.json', 'predictions.csv']) {
    const file = tree.getByRole('treeitem').filter({ hasText: name });
    await expect(file.getByTitle('in the workspace')).toBeVisible();
  }
  await expect(tree.getByRole('treeitem').filter({ hasText: 'model.bin' })).toContainText('16.0 KiB');
  await expect(tree).not.toContainText('first');

  const steps = lab.detail.getByRole('region', { name: 'What happened' }).getByRole('listitem');
  for (const step of ['Sending', 'Queued', 'Running', 'Complete']) {
    await expect(steps.filter({ hasText: step }).first()).toBeVisible();
  }

  // The folder is there in the file browser, and a file of it opens.
  const folder = 'kaggle-output/' + path.replace('.ipynb', '') + '/v1';
  await lab.detail.getByRole('button', { name: 'Show folder' }).click();
  await expect(page.locator('.jp-DirListing-item', { hasText: 'model.bin' })).toBeVisible();
  expect(fs.readFileSync(lab.onDisk(`${folder}/model.bin`)).length).toBe(16_384);
  expect(lab.read(`${folder}/tables/predictions.csv`)).toBe('id,digit\n1,7\n2,3\n');
  const manifest = JSON.parse(lab.read(`${folder}/kaggle-lab-manifest.json`));
  expect(JSON.stringify(manifest)).toContain('tables/predictions.csv');

  await lab.openSidebar();
  await lab.detail.getByRole('button', { name: 'Open predictions.csv' }).click();
  await expect(page.getByRole('main').getByRole('tab', { name: 'predictions.csv' })).toBeVisible();

  // The user's file is as it was, and still has its unsaved edit.
  expect(lab.read(path)).toBe(before);
  await expect(panel.or(page.getByRole('tab', { name: 'train digits.ipynb' })).first()).toBeAttached();
  await expect(page.locator('.lm-TabBar-tab.jp-mod-dirty', { hasText: 'train digits.ipynb' })).toBeVisible();
  expect(await lab.pushes()).toBe(1);
  await expect(sidebar).toBeVisible();
});

test('the second click runs at once, and a double click makes one run', async ({
  lab,
  notebook,
  page,
  stage
}) => {
  const path = notebook('quick.ipynb', SHORT);
  notebook('selected.ipynb', SHORT);
  await lab.open(path);
  // What counts is the notebook whose button is clicked, not what is selected in the file browser.
  await page.locator('.jp-DirListing-item', { hasText: 'selected.ipynb' }).click();
  await lab.runFirstTime();
  const toast = page.locator('.Toastify__toast', { hasText: 'is complete' });
  await toast.getByRole('button', { name: 'Open outputs' }).click();
  await expect(page.locator('.jp-KaggleLab-outputsView')).toContainText('hello.txt');
  await lab.openSidebar();
  await expect(lab.endedRuns.filter({ hasText: 'quick' })).toHaveCount(1);
  await expect(lab.endedRuns.filter({ hasText: 'selected' })).toHaveCount(0);
  expect(await lab.pushes()).toBe(1);

  await lab.runButton.dblclick();
  await expect(lab.endedRuns.filter({ hasText: 'quick' })).toHaveCount(2);
  await expect(lab.runningCards).toHaveCount(0);
  expect(await lab.pushes()).toBe(2);
  expect(await stage.emulator.sessions()).toHaveLength(2);
  await expect(lab.sheet).toBeHidden();
});
