/**
 * Numbers, times and errors as people read them.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Accelerator, LocalCode, Problem, QuotaShare } from './wire';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in its two largest units: "2 d 4 h", "1 h 5 min", "3 min 20 s", "12 s". */
export function formatDuration(trans: TranslationBundle, seconds: number): string {
  const all = Math.max(0, Math.floor(seconds));
  if (all >= DAY) {
    return trans.__('%1 d %2 h', Math.floor(all / DAY), Math.floor((all % DAY) / HOUR));
  }
  if (all >= HOUR) {
    return trans.__('%1 h %2 min', Math.floor(all / HOUR), Math.floor((all % HOUR) / MINUTE));
  }
  if (all >= MINUTE) {
    return trans.__('%1 min %2 s', Math.floor(all / MINUTE), all % MINUTE);
  }
  return trans.__('%1 s', all);
}

/** Hours with one decimal: "21.4 h". Rounded down, so that no hour is promised that is not there. */
export function formatHours(
  trans: TranslationBundle,
  seconds: number,
  round: (tenths: number) => number = Math.floor
): string {
  const tenths = round(Math.max(0, seconds) / (HOUR / 10));
  return trans.__('%1 h', String(tenths / 10));
}

/** A round time limit: "30 min", "12 h", "1 h 30 min". */
export function formatLimit(trans: TranslationBundle, seconds: number): string {
  if (seconds % HOUR === 0) {
    return trans.__('%1 h', seconds / HOUR);
  }
  return seconds < HOUR ? trans.__('%1 min', Math.round(seconds / MINUTE)) : formatDuration(trans, seconds);
}

/** A size in bytes: "512 B", "5.2 KiB", "1.0 GiB". */
export function formatBytes(trans: TranslationBundle, bytes: number): string {
  if (bytes < 1024) {
    return trans.__('%1 B', bytes);
  }
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const amount = (bytes / 1024 ** power).toFixed(1);
  switch (power) {
    case 1:
      return trans.__('%1 KiB', amount);
    case 2:
      return trans.__('%1 MiB', amount);
    case 3:
      return trans.__('%1 GiB', amount);
    default:
      return trans.__('%1 TiB', amount);
  }
}

/** How long ago an ISO time was: "just now", "3 min ago", "2 d ago"; empty when there is no time. */
export function formatAgo(trans: TranslationBundle, iso: string | null, now: number = Date.now()): string {
  const then = parseTime(iso);
  if (then === undefined) {
    return '';
  }
  const seconds = (now - then) / 1000;
  if (seconds < MINUTE) {
    return trans.__('just now');
  }
  if (seconds < HOUR) {
    return trans.__('%1 min ago', Math.floor(seconds / MINUTE));
  }
  if (seconds < DAY) {
    return trans.__('%1 h ago', Math.floor(seconds / HOUR));
  }
  return trans.__('%1 d ago', Math.floor(seconds / DAY));
}

/** Time until an ISO time: "2 d 4 h"; empty when there is none or it has passed. */
export function formatUntil(trans: TranslationBundle, iso: string | null, now: number = Date.now()): string {
  const then = parseTime(iso);
  if (then === undefined || then <= now) {
    return '';
  }
  const seconds = (then - now) / 1000;
  return seconds < MINUTE ? trans.__('less than a minute') : formatDuration(trans, seconds);
}

/** Milliseconds since 1970; undefined for null and for what is no time. */
export function parseTime(iso: string | null): number | undefined {
  const time = iso ? Date.parse(iso) : NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** What is left of a weekly quota and when it is renewed, in a line. */
export function describeQuota(
  trans: TranslationBundle,
  share: QuotaShare,
  refreshesAt: string | null,
  now: number = Date.now()
): string {
  const left = formatHours(trans, share.left_s);
  const allowed = formatHours(trans, share.allowed_s);
  const until = formatUntil(trans, refreshesAt, now);
  return until
    ? trans.__('%1 of %2 left this week, renewed in %3', left, allowed, until)
    : trans.__('%1 of %2 left this week', left, allowed);
}

/** An accelerator as one line of a list: its name, and what is special about it. */
export function describeAccelerator(trans: TranslationBundle, item: Accelerator): string {
  switch (item.availability) {
    case 'retired':
      return trans.__('%1 (retired)', item.label);
    case 'gated':
      return trans.__('%1 (not open to everyone)', item.label);
    default:
      return item.label;
  }
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** What happened and what to do about it. */
export interface IExplanation {
  readonly cause: string;
  readonly remedy: string;
}

/** An error in words: the server's own, or ours for what the browser itself found. */
export function describeError(trans: TranslationBundle, error: unknown): IExplanation {
  if (!isProblem(error)) {
    return { cause: error instanceof Error ? error.message : String(error), remedy: '' };
  }
  const { cause, remedy } = error;
  return cause ? { cause, remedy } : localExplanation(trans, error.code as LocalCode);
}

function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'code' in error && 'remedy' in error;
}

function localExplanation(trans: TranslationBundle, code: LocalCode): IExplanation {
  switch (code) {
    case 'server_unreachable':
      return {
        cause: trans.__('The Jupyter server cannot be reached.'),
        remedy: trans.__('Runs go on at Kaggle meanwhile. This page catches up when the server is back.')
      };
    case 'server_missing':
      return {
        cause: trans.__('The server half of Kaggle Lab is not running.'),
        remedy: trans.__(
          'Install kaggle-lab in the environment of the Jupyter server and restart the server.'
        )
      };
    case 'forbidden':
      return {
        cause: trans.__('The Jupyter server does not allow this.'),
        remedy: trans.__('Reload the page and sign in to Jupyter again.')
      };
    default:
      return {
        cause: trans.__('The Jupyter server gave an answer that is not understood.'),
        remedy: trans.__('Reload the page; Kaggle Lab may have been updated on the server.')
      };
  }
}
