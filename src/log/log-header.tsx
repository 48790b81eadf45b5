import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IActions, IKaggleModel, ILogModel } from '../tokens';
import { isFinished } from '../wire';
import { Elapsed } from '../sidebar/elapsed';
import { EmulatorBadge, StatusMark } from '../sidebar/status';

interface ILogHeaderProps {
  model: IKaggleModel;
  log: ILogModel;
  trans: TranslationBundle;
  actions: IActions;
}

/** Which run this is the log of, and how it stands. */
export function LogHeader(props: ILogHeaderProps): React.ReactElement | null {
  const { model, log, trans, actions } = props;
  const job = model.job(log.jobId);
  if (!job) {
    return null;
  }
  return (
    <div className="jp-KaggleLab-logHeader">
      <span className="jp-KaggleLab-title">{job.title || job.notebook_path}</span>
      {job.version !== null && <span className="jp-KaggleLab-muted">{trans.__('v%1', job.version)}</span>}
      {job.endpoint.kind === 'emulator' && <EmulatorBadge trans={trans} />}
      <StatusMark trans={trans} job={job} />
      <Elapsed trans={trans} job={job} />
      {isFinished(job.status) && (
        <button type="button" className="jp-KaggleLab-button" onClick={() => actions.openOutputs(job.id)}>
          {trans.__('Outputs')}
        </button>
      )}
    </div>
  );
}
