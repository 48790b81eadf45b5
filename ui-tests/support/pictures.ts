/**
 * The pictures of the README. They look best where the fonts Inter, JetBrains Mono and a Chinese one are
 * installed.
 */
import type { Locator } from '@playwright/test';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { ROOT } from './child';
import { SHORT } from './notebooks';
import { expect, test } from './stage';

const PICTURES = path.join(ROOT, 'docs', 'screenshots');
const SAMPLE = path.join(ROOT, 'examples', 'digits.ipynb');
const FONTS = {
  'ui-font-family': 'Inter, "DejaVu Sans", "WenQuanYi Micro Hei", sans-serif',
  'content-font-family': 'Inter, "DejaVu Sans", "WenQuanYi Micro Hei", sans-serif',
  'code-font-family': '"JetBrains Mono", "DejaVu Sans Mono", monospace'
};
const QUIET = { checkForUpdates: false, fetchNews: 'false' };

/** Define the test that makes the pictures in one theme. */
export function takePictures(theme: string, suffix: string): void {
  test.describe(`pictures in ${theme}`, () => {
    test.use({
      autoGoto: false,
      deviceScaleFactor: 1.5,
      mockSettings: {
        '@jupyterlab/apputils-extension:notification': QUIET,
        '@jupyterlab/apputils-extension:themes': { theme, overrides: FONTS },
        '@jupyterlab/codemirror-extension:plugin': { defaultConfig: { cursorBlinkRate: 0 } }
      },
      // A folder with a name worth showing.
      tmpPath: async ({ stage }, use) => {
        fs.mkdirSync(path.join(stage.jupyter.workspace, 'examples'), { recursive: true });
        await use('examples');
        fs.rmSync(stage.jupyter.workspace, { recursive: true });
        fs.mkdirSync(stage.jupyter.workspace);
      }
    });

    test('from the button to the outputs', async ({ lab, notebook, page, stage, tmpPath }) => {
      test.setTimeout(240_000);
      const shoot = (
        name: string,
        options: { clip?: { x: number; y: number; width: number; height: number } }
      ) =>
        page.screenshot({
          path: path.join(PICTURES, `${name}${suffix}.png`),
          animations: 'disabled',
          ...options
        });
      const toasts = page.locator('.Toastify__toast');
      const dismiss = async (toast: Locator): Promise<void> => {
        await toast.getByRole('button', { name: 'Hide notification' }).click();
        await expect(toasts).toHaveCount(0);
      };
      await stage.emulator.use('learner', { gpu_used_hours: 8.6, tpu_used_hours: 3.2 });
      fs.copyFileSync(SAMPLE, lab.onDisk(`${tmpPath}/digits.ipynb`));
      notebook('explore.ipynb', SHORT);
      await page.goto(`tree/${tmpPath}?reset`);

      // An earlier run, for the history, from the file browser.
      await page.locator('.jp-DirListing-item', { hasText: 'explore.ipynb' }).click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Run on Kaggle GPU' }).click();
      await lab.sheetButton('Run on Kaggle').click();
      await dismiss(toasts.filter({ hasText: 'is complete' }));

      await lab.open(`${tmpPath}/digits.ipynb`);
      await page.evaluate(() => window.jupyterapp.commands.execute('application:close-other-tabs'));
      await lab.caret.click();
      await lab.menuItem('GPU T4 x2').hover();
      await expect(lab.menuItem(/^GPU: 21/)).toBeVisible();
      await shoot('run-button', { clip: { x: 0, y: 0, width: 1280, height: 480 } });
      await lab.menuItem('GPU T4 x2').click();

      await lab.runButton.click();
      await expect(lab.sheet).toContainText('5 code cells');
      await shoot('confirm-sheet', { clip: { x: 240, y: 40, width: 800, height: 740 } });
      await lab.sheetButton('Run on Kaggle').click();
      await lab.openSidebar();
      await page.sidebar.setWidth(330);
      await dismiss(toasts);

      const card = lab.runningCards.filter({ hasText: 'digits' });
      await card.getByRole('button', { name: 'Log' }).click();
      await expect(lab.logView.getByRole('log')).toContainText(/epoch 19\/50/, { timeout: 60_000 });
      await shoot('sidebar-running', {});
      const log = await lab.logView.boundingBox();
      await shoot('log', {
        clip: { x: log!.x, y: log!.y - 28, width: log!.width, height: log!.height + 28 }
      });

      const row = lab.endedRuns.filter({ hasText: 'digits' });
      await expect(row).toContainText('Complete', { timeout: 120_000 });
      await dismiss(toasts);
      await row.click();
      await expect(lab.detail).toContainText('All are in');
      await page
        .getByRole('tab', { name: /^Log: digits/ })
        .locator('.lm-TabBar-tabCloseIcon')
        .click();
      await lab.detail.getByRole('button', { name: 'Open confusion.png' }).click();
      await expect(page.locator('.jp-ImageViewer img')).toBeVisible();
      await page.evaluate(() => window.jupyterapp.commands.execute('imageviewer:zoom-out'));
      await page.evaluate(async path => {
        await window.jupyterapp.commands.execute('docmanager:open', {
          path,
          options: { mode: 'split-bottom' }
        });
      }, `kaggle-output/${tmpPath}/digits/v1/predictions.csv`);
      await expect(page.locator('.jp-CSVViewer canvas').first()).toBeVisible();
      await shoot('outputs', {});
    });
  });
}
