import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { describeError, formatAgo } from '../format';
import type { IKaggleModel, ILogModel } from '../tokens';
import { isFinished, type Job } from '../wire';
import { useNow } from '../sidebar/hooks';
import { isStopping, statusSentence } from '../sidebar/status';

interface ILogStateProps {
  model: IKaggleModel;
  log: ILogModel;
  trans: TranslationBundle;
}

/** What there is of the log, and whether more can come at present. */
export function LogStateLine(props: ILogStateProps): React.ReactElement {
  const { model, log, trans } = props;
  const job = model.job(log.jobId);
  const now = useNow(30_000, !!job?.trouble);
  const { text, tone } = logState(props, job, now);
  return (
    <div className="jp-KaggleLab-logState">
      <span className={`jp-mod-${tone}`} role="status">
        {text}
      </span>
      <span className="jp-KaggleLab-count">{countText(trans, log)}</span>
      {!log.complete && log.loaded > 0 && (
        <button
          type="button"
          className="jp-KaggleLab-button"
          disabled={log.loading}
          onClick={() => void log.loadAll()}
        >
          {trans.__('Load the earlier lines')}
        </button>
      )}
      {log.error && (
        <button type="button" className="jp-KaggleLab-button" onClick={() => void log.retry()}>
          {trans.__('Try again')}
        </button>
      )}
    </div>
  );
}

function countText(trans: TranslationBundle, log: ILogModel): string {
  if (log.complete || log.loaded === 0) {
    return log.loaded > 0 ? trans._n('%1 line', '%1 lines', log.loaded) : '';
  }
  return trans.__('the last %1 of %2 lines', log.loaded, log.count);
}

interface ILogState {
  text: string;
  tone: 'live' | 'waiting' | 'bad' | 'muted';
}

function logState(props: ILogStateProps, job: Job | undefined, now: number): ILogState {
  const { model, log, trans } = props;
  if (!model.connected) {
    return {
      text: trans.__('The Jupyter server cannot be reached. This goes on by itself when it is back.'),
      tone: 'bad'
    };
  }
  if (log.error) {
    return { text: describeError(trans, log.error).cause, tone: 'bad' };
  }
  if (job?.trouble) {
    return { text: troubleText(trans, job, now), tone: 'waiting' };
  }
  return plainState(trans, log, job);
}

/** That Kaggle is not heard is no failure of the run; the run goes on without us. */
export function troubleText(trans: TranslationBundle, job: Job, now: number): string {
  return job.last_heard_at
    ? trans.__('Last heard %1. %2', formatAgo(trans, job.last_heard_at, now), job.trouble)
    : trans.__('Not heard yet. %1', job.trouble);
}

function plainState(trans: TranslationBundle, log: ILogModel, job: Job | undefined): ILogState {
  if (log.loading && log.loaded === 0) {
    return { text: trans.__('Loading…'), tone: 'muted' };
  }
  if (!job) {
    return { text: '', tone: 'muted' };
  }
  if (isFinished(job.status)) {
    return { text: finishedText(trans, log, job), tone: 'muted' };
  }
  if (isStopping(job)) {
    return { text: trans.__('Stopping: Kaggle has not confirmed it yet.'), tone: 'waiting' };
  }
  return job.status === 'running'
    ? { text: trans.__('Live'), tone: 'live' }
    : { text: statusSentence(trans, job), tone: 'waiting' };
}

function finishedText(trans: TranslationBundle, log: ILogModel, job: Job): string {
  if (log.count > 0) {
    return trans.__('The run has ended.');
  }
  return job.status === 'saved' || job.status === 'rejected'
    ? trans.__('Nothing ran, so there is no log.')
    : trans.__('The run has ended and left no log.');
}
