/**
 * The status bar's item: how many runs are live, and how many GPU hours are left.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Signal, type ISignal } from '@lumino/signaling';
import * as React from 'react';
import { formatHours } from '../format';
import { kaggleLabIcon } from '../icons';
import type { IKaggleModel } from '../tokens';
import { isFinished } from '../wire';

export class StatusItem extends ReactWidget {
  constructor(
    private readonly _model: IKaggleModel,
    private readonly _trans: TranslationBundle,
    private readonly _onClick: () => void
  ) {
    super();
    this.addClass('jp-KaggleLab-statusItem');
    _model.jobsChanged.connect(this._refresh, this);
    _model.quotaChanged.connect(this._refresh, this);
    _model.accountChanged.connect(this._refresh, this);
    _model.connectionChanged.connect(this._refresh, this);
  }

  get activeStateChanged(): ISignal<this, void> {
    return this._activeStateChanged;
  }

  /** Hidden when signed out and idle. */
  isActive(): boolean {
    return this._live() > 0 || this._model.account.value?.state === 'signed_in';
  }

  protected override render(): React.ReactElement {
    const trans = this._trans;
    return (
      <button type="button" title={this._caption()} onClick={this._onClick}>
        <kaggleLabIcon.react tag="span" className="jp-KaggleLab-icon" />
        {this._isEmulator() && <span className="jp-KaggleLab-badge">{trans.__('EMULATOR')}</span>}
        <span>{this._text()}</span>
      </button>
    );
  }

  private _text(): string {
    const trans = this._trans;
    const live = this._live();
    const share = this._model.quota.value?.gpu;
    const running = live ? trans._n('%1 running', '%1 running', live) : '';
    const left = share ? formatHours(trans, share.left_s) : '';
    return [running, left].filter(Boolean).join(' · ') || trans.__('Kaggle');
  }

  private _caption(): string {
    const trans = this._trans;
    if (!this._model.connected) {
      return trans.__('The Jupyter server cannot be reached. Runs on Kaggle go on.');
    }
    return trans.__('Runs on Kaggle, and the GPU hours left this week. Click for the list.');
  }

  private _live(): number {
    return this._model.jobs.filter(job => !isFinished(job.status)).length;
  }

  /** Before the account was asked for, the live runs tell. */
  private _isEmulator(): boolean {
    const account = this._model.account.value;
    const endpoint = account?.endpoint ?? this._model.jobs.find(job => !isFinished(job.status))?.endpoint;
    return endpoint?.kind === 'emulator';
  }

  private _refresh(): void {
    this._askQuota();
    this.update();
    if (this._wasActive !== this.isActive()) {
      this._wasActive = this.isActive();
      this._activeStateChanged.emit();
    }
  }

  /** The hours belong beside a live run; without one nothing is asked for this item alone. */
  private _askQuota(): void {
    const { value, error, loading } = this._model.quota;
    if (this._live() > 0 && !value && !error && !loading) {
      void this._model.refreshQuota();
    }
  }

  private _wasActive = false;
  private readonly _activeStateChanged = new Signal<this, void>(this);
}
