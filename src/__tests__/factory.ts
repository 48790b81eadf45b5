/**
 * Builders of what the server says. A test mentions only what it is about.
 */
import type { Account, Job, JobPage, LogLine, LogPage, Preview, Profile, Quota } from '../wire';

const KAGGLE = { kind: 'kaggle', url: '', web_url: 'https://www.kaggle.com' } as const;

export function accountWire(changes: Partial<Account> = {}): Account {
  return {
    state: 'signed_in',
    endpoint: KAGGLE,
    username: 'ada',
    method: 'access_token',
    source: '~/.kaggle/access_token',
    message: '',
    emulator_available: true,
    home: '~/.kaggle',
    ...changes
  };
}

export function emulatorAccount(changes: Partial<Account> = {}): Account {
  const endpoint = { kind: 'emulator', url: 'http://127.0.0.1:1', web_url: 'http://127.0.0.1:1' } as const;
  return accountWire({ endpoint, username: 'learner', ...changes });
}

export function quotaWire(changes: Partial<Quota> = {}): Quota {
  return {
    gpu: { used_s: 30_960, reserved_s: 0, allowed_s: 108_000, left_s: 77_040 },
    tpu: { used_s: 0, reserved_s: 0, allowed_s: 72_000, left_s: 72_000 },
    refreshes_at: '2026-11-28T00:00:00.000Z',
    fetched_at: '2026-11-21T08:00:00.000Z',
    ...changes
  };
}

export function jobWire(changes: Partial<Job> = {}): Job {
  return {
    id: 'job-1',
    client_token: 'token-1',
    notebook_path: 'work/train.ipynb',
    title: 'Train digits',
    status: 'queued',
    endpoint: KAGGLE,
    account: 'ada',
    created_at: '2026-11-21T08:00:00.000Z',
    accelerator: 't4x2',
    machine_shape: 'NvidiaTeslaT4',
    hardware: '',
    internet: true,
    private: true,
    time_cap_s: null,
    save_only: false,
    language: 'python',
    ref: 'ada/train-digits',
    version: 3,
    base_version: 2,
    url: 'https://www.kaggle.com/code/ada/train-digits?scriptVersionId=7',
    kernel_session_id: null,
    kaggle_word: '',
    reason: '',
    message: '',
    remedy: '',
    warnings: [],
    submitted_at: '2026-11-21T08:00:01.000Z',
    started_at: null,
    ended_at: null,
    last_heard_at: null,
    trouble: '',
    stop_requested_at: null,
    retrieval: 'none',
    retrieval_message: '',
    output_dir: '',
    log_count: 0,
    last_line: '',
    progress: null,
    root: '',
    partial: false,
    seq: 1,
    ...changes
  };
}

export function jobPage(jobs: readonly Job[], changes: Partial<JobPage> = {}): JobPage {
  const seq = Math.max(0, ...jobs.map(job => job.seq));
  return { jobs, removed: [], seq, more: false, total: jobs.length, ...changes };
}

/** `size` jobs, newest first, one a minute. */
export function manyJobs(size: number): Job[] {
  return Array.from({ length: size }, (_, index) =>
    jobWire({
      id: `job-${String(size - index).padStart(6, '0')}`,
      title: `Run ${size - index}`,
      status: 'complete',
      created_at: new Date(Date.UTC(2026, 10, 1) + (size - index) * 60_000).toISOString(),
      seq: size - index
    })
  );
}

export function logLine(n: number, changes: Partial<LogLine> = {}): LogLine {
  return { n, stream: 'stdout', time_s: n / 10, text: `line ${n}\n`, ...changes };
}

/** Lines `from` to `to`, the latter not included, of a log with `count` lines. */
export function logPage(from: number, to: number, count = to): LogPage {
  const lines = Array.from({ length: Math.max(0, to - from) }, (_, index) => logLine(from + index));
  return { lines, next: lines.at(-1)?.n ?? from - 1, count };
}

export function profileWire(changes: Partial<Profile> = {}): Profile {
  return {
    notebook_path: 'work/train.ipynb',
    accelerator: 'none',
    title: '',
    ref: '',
    internet: true,
    private: true,
    time_cap_s: null,
    confirmed: false,
    ...changes
  };
}

export function previewWire(changes: Partial<Preview> = {}): Preview {
  return {
    profile: profileWire(),
    title: 'Train digits',
    slug: 'train-digits',
    accelerator: 'none',
    internet: true,
    private: true,
    time_cap_s: 43_200,
    source_bytes: 5321,
    code_cells: 7,
    language: 'python',
    sources: { datasets: [], competitions: [], kernels: [], models: [] },
    kernel_exists: false,
    warnings: [],
    problems: [],
    ...changes
  };
}
