/**
 * Without a mouse, and for people who hear the page instead of seeing it.
 */
import type { Page } from '@playwright/test';
import type { AxeResults } from 'axe-core';
import { SHORT } from './support/notebooks';
import { expect, test } from './support/stage';

const AXE = require.resolve('axe-core/axe.min.js');

/** What axe has to say against a part of the page, rule by rule. */
async function complaints(page: Page, selector: string): Promise<string[]> {
  await page.addScriptTag({ path: AXE });
  const results = await page.evaluate(async where => {
    const { axe } = window as unknown as { axe: { run(where: string, how: object): Promise<AxeResults> } };
    return axe.run(where, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
  }, selector);
  expect(results.passes.length).toBeGreaterThan(0);
  return results.violations.map(
    rule => `${rule.id}: ${rule.nodes.map(node => `${node.html} (${node.failureSummary})`).join('; ')}`
  );
}

test('from the notebook to a finished run with the keyboard alone', async ({ lab, notebook, page }) => {
  await lab.open(notebook('keys.ipynb', SHORT));
  const { keyboard } = page;

  // The toolbar is one stop of the Tab key; arrows lead to our two buttons in it.
  await lab.runButton.focus();
  await keyboard.press('Enter');
  await expect(lab.sheet.getByLabel('Title on Kaggle')).toBeFocused();
  await keyboard.press('Escape');
  await expect(lab.sheet).toBeHidden();
  expect(await lab.pushes()).toBe(0);

  await keyboard.press('Control+Shift+c');
  await page.locator('.lm-CommandPalette-input').pressSequentially('Run Notebook on Kaggle GPU');
  await keyboard.press('Enter');
  await expect(lab.sheet.getByLabel('Title on Kaggle')).toBeFocused();
  await keyboard.press('Tab');
  await expect(lab.sheet.getByLabel('Accelerator', { exact: true })).toBeFocused();
  await keyboard.press('Tab');
  await expect(lab.sheet.getByLabel('Internet in the run')).toBeFocused();
  await keyboard.press('Space');
  await expect(lab.sheet.getByLabel('Internet in the run')).not.toBeChecked();
  await keyboard.press('Enter');
  await expect(lab.sheet).toBeHidden();
  await expect.poll(() => lab.pushes()).toBe(1);

  await keyboard.press('Control+Shift+c');
  await page.locator('.lm-CommandPalette-input').pressSequentially('Show Kaggle Sidebar');
  await keyboard.press('Enter');
  const row = lab.endedRuns.filter({ hasText: 'keys' });
  await expect(row).toContainText('Complete');
  await lab.sidebar.getByRole('listbox', { name: 'Ended runs' }).focus();
  await keyboard.press('Home');
  await keyboard.press('Enter');
  await expect(lab.detail.getByRole('heading', { name: 'keys' })).toBeFocused();
  await expect(lab.detail).toContainText('All are in');
  await keyboard.press('Escape');
  await expect(lab.sidebar.getByRole('listbox', { name: 'Ended runs' })).toBeFocused();
});

for (const theme of ['JupyterLab Light', 'JupyterLab Dark']) {
  test(`nothing that axe finds fault with, in ${theme}`, async ({ lab, notebook, page }) => {
    await page.theme.setTheme(theme);
    await lab.open(notebook(`seen in ${theme}.ipynb`, SHORT));
    await lab.runButton.click();
    await expect(lab.sheet).toContainText('1 code cell');
    expect(await complaints(page, '.jp-KaggleLab-sheetDialog')).toEqual([]);
    await lab.sheetButton('Run on Kaggle').click();
    await lab.openSidebar();
    expect(await complaints(page, '.jp-KaggleLab-runButton')).toEqual([]);

    const row = lab.endedRuns.filter({ hasText: `seen in ${theme}` });
    await expect(row).toContainText('Complete');
    expect(await complaints(page, '.jp-KaggleLab-sidebar')).toEqual([]);
    await row.click();
    await expect(lab.detail).toContainText('All are in');
    expect(await complaints(page, '.jp-KaggleLab-sidebar')).toEqual([]);
    await lab.detail.getByRole('button', { name: 'Log', exact: true }).click();
    await expect(lab.logView.getByRole('log')).toContainText('hello from the run');
    expect(await complaints(page, '.jp-KaggleLab-logView')).toEqual([]);
  });
}
