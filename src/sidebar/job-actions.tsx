import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IActions, IKaggleModel } from '../tokens';
import { isFinished, type Job } from '../wire';
import { ConfirmButton } from './confirm-button';
import { usePending } from './hooks';
import { ErrorNote } from './notices';
import { isStopping } from './status';

export interface IJobProps {
  model: IKaggleModel;
  trans: TranslationBundle;
  actions: IActions;
  job: Job;
}

/** Stop, asked for in place; “Stopping…” until Kaggle confirms. Draws nothing for an ended run. */
export function StopButton(props: IJobProps): React.ReactElement | null {
  const { model, trans, job } = props;
  const pending = usePending();
  if (isFinished(job.status) || job.save_only) {
    return null;
  }
  if (isStopping(job) || pending.busy) {
    return (
      <button type="button" className="jp-KaggleLab-button" disabled>
        {trans.__('Stopping…')}
      </button>
    );
  }
  return (
    <>
      <ConfirmButton
        label={trans.__('Stop')}
        question={trans.__('Stop this run?')}
        confirm={trans.__('Stop it')}
        keep={trans.__('Keep running')}
        onConfirm={() => void pending.run(() => model.stop(job.id))}
      />
      <ErrorNote trans={trans} error={pending.error} onDismiss={pending.clear} />
    </>
  );
}

/** Remove from the list, asked for in place; nothing on Kaggle or on disk is touched. */
export function RemoveButton(props: IJobProps & { onRemoved(): void }): React.ReactElement | null {
  const { model, trans, job, onRemoved } = props;
  const pending = usePending();
  if (!isFinished(job.status)) {
    return null;
  }
  const remove = async (): Promise<void> => {
    if (await pending.run(() => model.remove(job.id))) {
      onRemoved();
    }
  };
  return (
    <>
      <ConfirmButton
        label={trans.__('Remove')}
        question={trans.__('Remove from this list? Files and Kaggle stay as they are.')}
        confirm={trans.__('Remove it')}
        keep={trans.__('Keep')}
        disabled={pending.busy}
        onConfirm={() => void remove()}
      />
      <ErrorNote trans={trans} error={pending.error} onDismiss={pending.clear} />
    </>
  );
}

/** The button to a run's page, once it has one. */
export function OpenOnKaggle({ trans, actions, job }: IJobProps): React.ReactElement | null {
  if (!job.url) {
    return null;
  }
  return (
    <button type="button" className="jp-KaggleLab-button" onClick={() => actions.openOnKaggle(job)}>
      {job.endpoint.kind === 'emulator' ? trans.__('Open in the emulator') : trans.__('Open on Kaggle')}
    </button>
  );
}
