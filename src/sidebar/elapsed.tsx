import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { formatDuration } from '../format';
import { isFinished, type Job } from '../wire';
import { useNow } from './hooks';

/** Seconds a job has run, or waited while it has not started; undefined when nothing can be said. */
export function elapsedSeconds(job: Job, now: number): number | undefined {
  const from = job.started_at ?? job.submitted_at ?? job.created_at;
  const to = isFinished(job.status) ? job.ended_at : null;
  if (!from || (isFinished(job.status) && (!to || !job.started_at))) {
    return undefined;
  }
  // The server's clock and the browser's differ: never show a time before the start.
  return Math.max(0, ((to ? Date.parse(to) : now) - Date.parse(from)) / 1000);
}

/** How long an ended job ran; empty when it never did. */
export function elapsedText(trans: TranslationBundle, job: Job): string {
  const seconds = elapsedSeconds(job, 0);
  return seconds === undefined ? '' : formatDuration(trans, seconds);
}

/** How long a job runs; ticks while it does. */
export function Elapsed(props: { trans: TranslationBundle; job: Job }): React.ReactElement | null {
  const { trans, job } = props;
  const now = useNow(1000, !isFinished(job.status));
  const seconds = elapsedSeconds(job, now);
  if (seconds === undefined) {
    return null;
  }
  const text = formatDuration(trans, seconds);
  return (
    <span className="jp-KaggleLab-elapsed" role="timer">
      {job.started_at || isFinished(job.status) ? text : trans.__('waiting %1', text)}
    </span>
  );
}
