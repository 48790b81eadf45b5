import type { TranslationBundle } from '@jupyterlab/translation';
import type { Job } from '../wire';
import { statusTone, statusWord } from './status';

/** Which ended runs to show: all, or those whose status looks like this. */
export type StatusFilter = 'all' | 'good' | 'bad' | 'muted';

/** What the list of ended runs is narrowed to. */
export interface IFilter {
  text: string;
  status: StatusFilter;
}

export const NO_FILTER: IFilter = { text: '', status: 'all' };

export function isFiltering({ text, status }: IFilter): boolean {
  return text.trim() !== '' || status !== 'all';
}

/** The jobs whose title, notebook, kernel or status word contains every word typed. */
export function filterJobs(trans: TranslationBundle, jobs: readonly Job[], filter: IFilter): readonly Job[] {
  const { text, status } = filter;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!isFiltering(filter)) {
    return jobs;
  }
  return jobs.filter(job => {
    if (status !== 'all' && statusTone(job) !== status) {
      return false;
    }
    const subject = [job.title, job.notebook_path, job.ref ?? '', statusWord(trans, job), job.status]
      .join(' ')
      .toLowerCase();
    return words.every(word => subject.includes(word));
  });
}
