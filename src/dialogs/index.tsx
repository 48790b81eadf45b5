/**
 * The confirm sheet. It stays open until the run was sent or the user leaves.
 */
import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import * as React from 'react';
import { baseName } from '../format';
import type { ISheetRequest } from '../submit-flow';
import type { IKaggleModel } from '../tokens';
import type { Job } from '../wire';
import { SheetModel } from './sheet-model';
import { SubmitSheet } from './submit-sheet';

/** Show the sheet. Resolves to the run that was sent, or to null. */
export async function openSubmitSheet(
  lab: IKaggleModel,
  request: ISheetRequest,
  trans: TranslationBundle
): Promise<Job | null> {
  const model = new SheetModel(lab, request);
  const dialog = new SheetDialog(model, trans);
  const shown = dialog.launch();
  void model.start();
  try {
    await shown;
    return dialog.job;
  } finally {
    dialog.dispose();
    model.dispose();
  }
}

/** A dialog whose accepting buttons first send, and close it only when that went well. */
export class SheetDialog extends Dialog<null> {
  constructor(
    private readonly _model: SheetModel,
    private readonly _trans: TranslationBundle
  ) {
    super({
      title: _trans.__('Run “%1” on Kaggle', baseName(_model.request.source.path)),
      body: ReactWidget.create(<SubmitSheet model={_model} trans={_trans} />),
      buttons: buttons(_trans, _model.request.saveOnly),
      defaultButton: 2,
      focusNodeSelector: '#jp-KaggleLab-title'
    });
    this.addClass('jp-KaggleLab-sheetDialog');
    _model.changed.connect(this._update, this);
  }

  /** The run that was sent. */
  get job(): Job | null {
    return this._job;
  }

  override resolve(index = 2): void {
    if (index === 0) {
      super.resolve(index);
    } else {
      void this._send(index);
    }
  }

  /** Leaving while it is being sent would only hide what happens. */
  override reject(): void {
    if (!this._model.isSending) {
      super.reject();
    }
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._update();
  }

  private async _send(index: number): Promise<void> {
    const job = await this._model.send(this._saveOnly(index));
    if (job) {
      this._job = job;
      super.resolve(index);
    }
  }

  private _saveOnly(index: number): boolean {
    return (index === 1) !== this._model.request.saveOnly;
  }

  private _update(): void {
    const nodes = this.node.querySelectorAll<HTMLButtonElement>('.jp-Dialog-footer .jp-Dialog-button');
    nodes.forEach((node, index) => {
      node.disabled = index === 0 ? this._model.isSending : !this._model.canSend(this._saveOnly(index));
    });
    const label = nodes[2]?.querySelector('.jp-Dialog-buttonLabel');
    if (label) {
      label.textContent = this._model.isSending ? this._trans.__('Sending…') : this._mainLabel;
    }
  }

  private get _mainLabel(): string {
    return mainLabel(this._trans, this._model.request.saveOnly);
  }

  private _job: Job | null = null;
}

/** Cancel, the other way of sending, and the way that was asked for. */
function buttons(trans: TranslationBundle, saveOnly: boolean): Dialog.IButton[] {
  return [
    Dialog.cancelButton({ label: trans.__('Cancel') }),
    Dialog.createButton({
      label: mainLabel(trans, !saveOnly),
      accept: true,
      className: 'jp-KaggleLab-second'
    }),
    Dialog.okButton({ label: mainLabel(trans, saveOnly) })
  ];
}

function mainLabel(trans: TranslationBundle, saveOnly: boolean): string {
  return saveOnly ? trans.__('Save without running') : trans.__('Run on Kaggle');
}
