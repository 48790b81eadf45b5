import * as React from 'react';
import type { Message } from '@lumino/messaging';
import type { Widget } from '@lumino/widgets';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useSignal } from '../sidebar/hooks';
import { EmulatorBadge, StatusMark } from '../sidebar/status';
import type { IActions, IKaggleModel } from '../tokens';
import { OutputsTree, type IOutputsTreeProps } from './outputs-tree';

export { OutputsTree } from './outputs-tree';

export interface IOutputsViewOptions {
  model: IKaggleModel;
  trans: TranslationBundle;
  jobId: string;
  actions: IActions;
}

/** The output files of one job as a widget of the main or down area. */
export class OutputsWidget extends ReactWidget {
  constructor(private readonly _options: IOutputsViewOptions) {
    super();
    this.addClass('jp-KaggleLab');
    this.addClass('jp-KaggleLab-outputsWidget');
  }

  protected render(): React.ReactElement {
    return <OutputsPage {...this._options} />;
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.querySelector<HTMLElement>('[role="tree"], button')?.focus();
  }
}

function OutputsPage(props: IOutputsTreeProps): React.ReactElement {
  const { model, trans, jobId } = props;
  useSignal(model.jobsChanged, ids => ids.includes(jobId));
  const job = model.job(jobId);
  return (
    <div className="jp-KaggleLab-outputsView">
      {job && (
        <header className="jp-KaggleLab-logHeader">
          <span className="jp-KaggleLab-title">{job.title || job.notebook_path}</span>
          {job.version !== null && <span className="jp-KaggleLab-muted">{trans.__('v%1', job.version)}</span>}
          {job.endpoint.kind === 'emulator' && <EmulatorBadge trans={trans} />}
          <StatusMark trans={trans} job={job} />
        </header>
      )}
      <OutputsTree {...props} />
    </div>
  );
}

export function createOutputsView(options: IOutputsViewOptions): Widget {
  return new OutputsWidget(options);
}
