/**
 * JupyterLab with Kaggle Lab in the words of its user.
 */
import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import { expect } from '@jupyterlab/galata';
import type { Locator, Page } from '@playwright/test';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { IStage } from './stage';

export class Lab {
  constructor(
    readonly page: IJupyterLabPageFixture,
    private readonly _stage: IStage
  ) {}

  /** The page without galata, which waits for JupyterLab's launcher whenever a page is loaded. */
  get bare(): Page {
    return this.page.context().pages()[0];
  }

  // --- notebooks -------------------------------------------------------------------------------

  /** Open a notebook of the workspace. */
  async open(notebookPath: string): Promise<Locator> {
    await this.page.notebook.openByPath(notebookPath);
    await expect(this.runButton).toBeVisible();
    return this.page.locator('.jp-NotebookPanel:not(.lm-mod-hidden)');
  }

  /** “Run on Kaggle GPU” in the toolbar of the notebook in front. */
  get runButton(): Locator {
    return this._toolbar.locator('.jp-KaggleLab-run');
  }

  get caret(): Locator {
    return this._toolbar.getByRole('button', { name: 'Accelerator, quota and options' });
  }

  /** The menu below the caret. */
  get menu(): Locator {
    return this.page.locator('.jp-KaggleLab-menu');
  }

  menuItem(name: string | RegExp): Locator {
    return this.menu.locator('.lm-Menu-item').filter({ hasText: name });
  }

  // --- the confirm sheet -----------------------------------------------------------------------

  get sheet(): Locator {
    return this.page.locator('.jp-KaggleLab-sheetDialog');
  }

  sheetButton(name: string): Locator {
    return this.sheet.getByRole('button', { name, exact: true });
  }

  /** Click the button of the notebook in front and say yes to the sheet. */
  async runFirstTime(): Promise<void> {
    await this.runButton.click();
    await this.sheetButton('Run on Kaggle').click();
    await expect(this.sheet).toBeHidden();
  }

  // --- the sidebar -----------------------------------------------------------------------------

  get sidebar(): Locator {
    return this.page.getByRole('region', { name: 'Kaggle runs' });
  }

  async openSidebar(): Promise<Locator> {
    await this.page.sidebar.openTab('kaggle-lab-sidebar');
    await expect(this.sidebar).toBeVisible();
    return this.sidebar;
  }

  get runningCards(): Locator {
    return this.sidebar.getByRole('region', { name: 'Running' }).getByRole('listitem');
  }

  get endedRuns(): Locator {
    return this.sidebar.getByRole('listbox', { name: 'Ended runs' }).getByRole('option');
  }

  /** The page of one run within the sidebar. */
  get detail(): Locator {
    return this.sidebar.locator('.jp-KaggleLab-detail');
  }

  // --- the log ---------------------------------------------------------------------------------

  get logView(): Locator {
    return this.page.locator('.jp-KaggleLab-logView');
  }

  get logRows(): Locator {
    return this.logView.locator('.jp-KaggleLab-logRow');
  }

  // --- what is on disk and on the wire ---------------------------------------------------------

  /** A path of the workspace on this machine. */
  onDisk(workspacePath: string): string {
    return path.join(this._stage.jupyter.workspace, workspacePath);
  }

  read(workspacePath: string): string {
    return fs.readFileSync(this.onDisk(workspacePath), 'utf-8');
  }

  /** How many versions were pushed. */
  async pushes(): Promise<number> {
    return (await this._stage.emulator.requests('SaveKernel')).length;
  }

  private get _toolbar(): Locator {
    return this.page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-NotebookPanel-toolbar');
  }
}
