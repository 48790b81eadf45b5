import * as React from 'react';
import type { Message } from '@lumino/messaging';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IActions, IKaggleModel } from '../tokens';
import { VisibleContext } from './hooks';
import { refreshAll, Sidebar } from './sidebar';

export interface ISidebarOptions {
  model: IKaggleModel;
  trans: TranslationBundle;
  actions: IActions;
}

/** The content of Kaggle Lab's left sidebar. It asks for data only once it is on screen. */
export class SidebarWidget extends ReactWidget {
  constructor(private readonly _options: ISidebarOptions) {
    super();
    this.addClass('jp-KaggleLab');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _options.trans.__('Kaggle runs'));
  }

  /** Show the page of one run; an empty id shows the list. */
  showJob(id: string): void {
    this._jobId = id;
    this.update();
  }

  protected render(): React.ReactElement {
    return (
      <VisibleContext.Provider value={this.isVisible}>
        <Sidebar {...this._options} jobId={this._jobId} onShowJob={id => this.showJob(id)} />
      </VisibleContext.Provider>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._onSeen();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this._onSeen();
    }
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.update();
  }

  private _onSeen(): void {
    refreshAll(this._options.model, false);
    this.update();
  }

  private _jobId = '';
}

export function createSidebar(options: ISidebarOptions): SidebarWidget {
  return new SidebarWidget(options);
}
