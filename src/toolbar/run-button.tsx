/**
 * The split button on a notebook's toolbar: run with what is remembered, or choose first.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Notification } from '@jupyterlab/apputils';
import { ReactWidget, caretDownEmptyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { IDesk } from '../desk';
import { kaggleLabIcon } from '../icons';
import type { ILab } from '../lab';
import { panelSource, type INotebookSource } from '../notebook-source';

/** Belongs to one notebook panel, whose notebook it runs, whatever else is in front. */
export class RunButton extends ReactWidget {
  constructor(
    panel: NotebookPanel,
    private readonly _lab: ILab
  ) {
    super();
    this._source = panelSource(panel, path => _lab.localPath(path));
    this.addClass('jp-KaggleLab-runButton');
    if (_lab.desk) {
      this._follow(_lab, _lab.desk);
    } else {
      _lab.deskLoaded.connect(this._follow, this);
    }
  }

  protected override render(): React.ReactElement {
    const { trans, desk } = this._lab;
    const isBusy = this._isLoading || (desk?.flow.isBusy(this._source.path) ?? false);
    const isSending = desk?.flow.isSending(this._source.path) ?? false;
    const accelerator = this._acceleratorLabel();
    return (
      <div className="jp-KaggleLab-split" role="group" aria-label={trans.__('Run on Kaggle')}>
        <button
          type="button"
          className="jp-ToolbarButtonComponent jp-KaggleLab-run"
          title={this._caption(accelerator)}
          aria-disabled={isBusy}
          aria-busy={isSending}
          onClick={() => void this._run()}
        >
          <kaggleLabIcon.react tag="span" className="jp-KaggleLab-icon" />
          <span className="jp-ToolbarButtonComponent-label">
            {isSending ? trans.__('Sending…') : trans.__('Run on Kaggle GPU')}
          </span>
        </button>
        <button
          type="button"
          className="jp-ToolbarButtonComponent jp-KaggleLab-caret"
          title={trans.__('Accelerator, quota and options')}
          aria-label={trans.__('Accelerator, quota and options')}
          aria-haspopup="menu"
          onClick={event => void this._openMenu(event.currentTarget)}
        >
          {accelerator && <span className="jp-KaggleLab-chip">{accelerator}</span>}
          <caretDownEmptyIcon.react tag="span" className="jp-KaggleLab-icon" />
        </button>
      </div>
    );
  }

  private _caption(accelerator: string): string {
    const { trans } = this._lab;
    return accelerator
      ? trans.__('Run this notebook on Kaggle with %1', accelerator)
      : trans.__('Run this notebook on Kaggle');
  }

  /** Known only after the notebook was run or its menu was opened; asking earlier would cost a request. */
  private _acceleratorLabel(): string {
    const { desk } = this._lab;
    const id = desk?.flow.knownAccelerator(this._source.path);
    const table = desk?.model.accelerators.value?.items;
    return table ? (table.find(item => item.id === id)?.label ?? id ?? '') : '';
  }

  private async _run(): Promise<void> {
    await (await this._loaded())?.flow.run(this._source);
  }

  private async _openMenu(caret: HTMLElement): Promise<void> {
    await (await this._loaded())?.openMenu(this._source, caret);
  }

  /** The desk; undefined, and a click without effect but a note, when its code cannot be fetched. */
  private async _loaded(): Promise<IDesk | undefined> {
    this._setLoading(true);
    try {
      return await this._lab.load();
    } catch {
      Notification.error(this._lab.trans.__('The Jupyter server cannot be reached.'));
      return undefined;
    } finally {
      this._setLoading(false);
    }
  }

  private _setLoading(isLoading: boolean): void {
    this._isLoading = isLoading;
    this.update();
  }

  private _follow(_: ILab, desk: IDesk): void {
    desk.flow.changed.connect(this._onChange, this);
    desk.model.acceleratorsChanged.connect(this.update, this);
    this.update();
  }

  private _onChange(_: unknown, path: string): void {
    if (path === this._source.path) {
      this.update();
    }
  }

  private _isLoading = false;
  private readonly _source: INotebookSource;
}
