import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  checkIcon,
  errorIcon,
  historyIcon,
  runIcon,
  saveIcon,
  stopIcon,
  type LabIcon
} from '@jupyterlab/ui-components';
import { isFinished, type Job, type JobStatus } from '../wire';

/** How a status looks: never by colour alone. */
export type Tone = 'live' | 'waiting' | 'good' | 'bad' | 'muted';

/** Whether the user's wish to stop is still on its way to Kaggle's confirmation. */
export function isStopping(job: Job): boolean {
  return job.status === 'cancel_requested' || (job.stop_requested_at !== null && !isFinished(job.status));
}

/** The status in a word or two. */
export function statusWord(trans: TranslationBundle, job: Job): string {
  if (isStopping(job)) {
    return trans.__('Stopping…');
  }
  if (job.status === 'cancelled' && job.reason === 'time_limit') {
    return trans.__('Out of time');
  }
  return statusName(trans, job.status);
}

/** A status of the job table in words; a word newer than this package stands for itself. */
export function statusName(trans: TranslationBundle, status: string): string {
  switch (status as JobStatus) {
    case 'waiting':
      return trans.__('Waiting');
    case 'submitting':
      return trans.__('Sending');
    case 'queued':
      return trans.__('Queued');
    case 'running':
      return trans.__('Running');
    case 'cancel_requested':
      return trans.__('Stopping…');
    case 'complete':
      return trans.__('Complete');
    case 'error':
      return trans.__('Failed');
    case 'cancelled':
      return trans.__('Stopped');
    case 'rejected':
      return trans.__('Not accepted');
    case 'saved':
      return trans.__('Saved, not run');
    default:
      return status;
  }
}

/** The status, the reason included, in a sentence. */
export function statusSentence(trans: TranslationBundle, job: Job): string {
  switch (job.status) {
    case 'waiting':
      return job.reason === 'quota'
        ? trans.__('Waiting until quota is free.')
        : trans.__('Waiting for a free session slot.');
    case 'submitting':
      return trans.__('On its way to Kaggle.');
    case 'queued':
      return trans.__('Kaggle has it and will start it when a machine is free.');
    default:
      return '';
  }
}

export function statusTone(job: Job): Tone {
  switch (job.status) {
    case 'complete':
    case 'saved':
      return 'good';
    case 'error':
    case 'rejected':
      return 'bad';
    case 'cancelled':
      return 'muted';
    case 'running':
      return isStopping(job) || job.trouble ? 'waiting' : 'live';
    default:
      return 'waiting';
  }
}

function statusIcon(job: Job): LabIcon {
  if (isStopping(job)) {
    return stopIcon;
  }
  const icons: Partial<Record<Job['status'], LabIcon>> = {
    running: runIcon,
    complete: checkIcon,
    error: errorIcon,
    rejected: errorIcon,
    cancelled: stopIcon,
    saved: saveIcon
  };
  return icons[job.status] ?? historyIcon;
}

/** Icon and word of a job's status. */
export function StatusMark(props: { trans: TranslationBundle; job: Job }): React.ReactElement {
  const { trans, job } = props;
  const Icon = statusIcon(job);
  return (
    <span className={`jp-KaggleLab-status jp-mod-${statusTone(job)}`}>
      <Icon.react tag="span" className="jp-KaggleLab-icon" aria-hidden="true" />
      {statusWord(trans, job)}
    </span>
  );
}

/** Says that a run, or the account, is on the emulator: nothing on it is Kaggle. */
export function EmulatorBadge(props: { trans: TranslationBundle }): React.ReactElement {
  const { trans } = props;
  return (
    <span
      className="jp-KaggleLab-badge"
      title={trans.__('A local stand-in for Kaggle: runs on this computer, uses no Kaggle quota')}
    >
      {trans.__('EMULATOR')}
    </span>
  );
}
