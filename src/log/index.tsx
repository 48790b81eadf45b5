import * as React from 'react';
import type { Message } from '@lumino/messaging';
import type { Widget } from '@lumino/widgets';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IActions, IKaggleModel, ILogModel } from '../tokens';
import { VisibleContext } from '../sidebar/hooks';
import { LogView } from './log-view';

export interface ILogViewOptions {
  model: IKaggleModel;
  trans: TranslationBundle;
  jobId: string;
  actions: IActions;
  /** Whether the end is kept in view at first; true when left out. */
  follow?: boolean;
}

/** The log of one job as a widget of the main or down area; it owns its log model. */
export class LogWidget extends ReactWidget {
  constructor(private readonly _options: ILogViewOptions) {
    super();
    this.addClass('jp-KaggleLab');
    this.addClass('jp-KaggleLab-logWidget');
    const { model, jobId } = _options;
    this._log = model.openLog(jobId);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._log.dispose();
      super.dispose();
    }
  }

  protected render(): React.ReactElement {
    const { follow = true, ...options } = this._options;
    return (
      <VisibleContext.Provider value={this.isVisible}>
        <LogView {...options} log={this._log} follow={follow} />
      </VisibleContext.Provider>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.update();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.querySelector<HTMLElement>('[role="log"]')?.focus();
  }

  private readonly _log: ILogModel;
}

export function createLogView(options: ILogViewOptions): Widget {
  return new LogWidget(options);
}
