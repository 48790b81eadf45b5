/**
 * The words of Kaggle Lab's REST interface, and the readers that check them.
 *
 * Keys are the server's own (snake_case). Times are ISO 8601 text in UTC, durations are seconds, sizes
 * are bytes. Every reply goes through a reader here once; past it nothing is `unknown`.
 */

import { count, flag, list, map, maybe, object, required, text, word, type Json } from './readers';

export { WireError, type Json } from './readers';

// --- errors ------------------------------------------------------------------------------------

/** A failure as the server tells it: what happened (`cause`) and what to do (`remedy`). */
export interface Problem {
  readonly code: string;
  readonly cause: string;
  readonly remedy: string;
  readonly data: Readonly<Record<string, Json>>;
}

export const readProblem = object<Problem>('error', {
  code: text,
  cause: text,
  remedy: text,
  data: map
});

/** Codes of failures the browser itself finds; all other codes are the server's. */
export type LocalCode = 'server_unreachable' | 'server_missing' | 'forbidden' | 'confused';

/** A call that failed, with the server's own words where it had some. `status` 0: no answer came. */
export class ApiError extends Error implements Problem {
  readonly code: string;
  override readonly cause: string;
  readonly remedy: string;
  readonly data: Readonly<Record<string, Json>>;

  constructor(
    problem: Partial<Problem> & { readonly code: string },
    readonly status: number
  ) {
    super(problem.cause || problem.code);
    this.name = 'ApiError';
    this.code = problem.code;
    this.cause = problem.cause ?? '';
    this.remedy = problem.remedy ?? '';
    this.data = problem.data ?? {};
  }
}

/** Any failure of a call as an ApiError. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError({ code: 'confused', data: { detail: String(error) } }, 0);
}

// --- the account -------------------------------------------------------------------------------

export type EndpointKind = 'kaggle' | 'emulator';

export interface Endpoint {
  readonly kind: EndpointKind;
  readonly url: string;
  readonly web_url: string;
}

const readEndpoint = object<Endpoint>('endpoint', {
  kind: word<EndpointKind>(['kaggle', 'emulator'], 'kaggle'),
  url: text,
  web_url: text
});

export type AccountState = 'signed_in' | 'signed_out' | 'unreachable';
export type CredentialMethod = 'access_token' | 'api_key' | 'oauth' | 'none';

export interface Account {
  readonly state: AccountState;
  readonly endpoint: Endpoint;
  readonly username: string;
  readonly method: CredentialMethod;
  /** Where the credentials were found, e.g. `~/.kaggle/kaggle.json`. */
  readonly source: string;
  readonly message: string;
  readonly emulator_available: boolean;
  /** Where a pasted token would be stored, for display. */
  readonly home: string;
}

export const readAccount = object<Account>('account', {
  state: word<AccountState>(['signed_in', 'signed_out', 'unreachable'], 'unreachable'),
  endpoint: readEndpoint,
  username: text,
  method: word<CredentialMethod>(['access_token', 'api_key', 'oauth', 'none'], 'none'),
  source: text,
  message: text,
  emulator_available: flag,
  home: text
});

export interface QuotaShare {
  readonly used_s: number;
  readonly reserved_s: number;
  readonly allowed_s: number;
  readonly left_s: number;
}

export interface Quota {
  readonly gpu: QuotaShare | null;
  readonly tpu: QuotaShare | null;
  readonly refreshes_at: string | null;
  readonly fetched_at: string | null;
}

const readShare = object<QuotaShare>('quota share', {
  used_s: count,
  reserved_s: count,
  allowed_s: count,
  left_s: count
});

export const readQuota = object<Quota>('quota', {
  gpu: maybe(readShare),
  tpu: maybe(readShare),
  refreshes_at: maybe(text),
  fetched_at: maybe(text)
});

export type AcceleratorKind = 'cpu' | 'gpu' | 'tpu';
export type Availability = 'everyone' | 'phone' | 'gated' | 'retired';

export interface Accelerator {
  readonly id: string;
  readonly label: string;
  readonly kaggle_id: string;
  readonly kind: AcceleratorKind;
  readonly availability: Availability;
  readonly hardware: string;
  readonly memory_gib: number;
  readonly time_cap_s: number;
  readonly note: string;
  readonly replaced_by: string;
  readonly aliases: readonly string[];
}

export interface AcceleratorTable {
  readonly as_of: string;
  readonly items: readonly Accelerator[];
}

export const readAccelerators = object<AcceleratorTable>('accelerators', {
  as_of: text,
  items: list(
    object<Accelerator>('accelerator', {
      id: required('accelerator.id'),
      label: text,
      kaggle_id: text,
      kind: word<AcceleratorKind>(['cpu', 'gpu', 'tpu'], 'cpu'),
      availability: word<Availability>(['everyone', 'phone', 'gated', 'retired'], 'gated'),
      hardware: text,
      memory_gib: count,
      time_cap_s: count,
      note: text,
      replaced_by: text,
      aliases: list(text)
    })
  )
});

// --- jobs --------------------------------------------------------------------------------------

export const JOB_STATUSES = [
  'waiting',
  'submitting',
  'queued',
  'running',
  'cancel_requested',
  'complete',
  'error',
  'cancelled',
  'rejected',
  'saved'
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

const FINISHED: ReadonlySet<JobStatus> = new Set(['complete', 'error', 'cancelled', 'rejected', 'saved']);

/** Whether nothing more can happen to a job in this status. */
export function isFinished(status: JobStatus): boolean {
  return FINISHED.has(status);
}

export const RETRIEVALS = ['none', 'pending', 'running', 'complete', 'partial', 'failed'] as const;
export type Retrieval = (typeof RETRIEVALS)[number];

export interface Progress {
  /** Counts from 1. */
  readonly cell: number;
  readonly cells: number;
  /** Whether the last one has ended well. */
  readonly done: boolean;
}

/** One submission and what is known of its session. */
export interface Job {
  readonly id: string;
  readonly client_token: string;
  readonly notebook_path: string;
  readonly title: string;
  readonly status: JobStatus;
  readonly endpoint: Endpoint;
  readonly account: string;
  readonly created_at: string | null;
  /** The accelerator asked for: an id of the table, or Kaggle's own id as typed. */
  readonly accelerator: string;
  readonly machine_shape: string;
  /** What the session itself reported; empty until it has. */
  readonly hardware: string;
  readonly internet: boolean;
  readonly private: boolean;
  readonly time_cap_s: number | null;
  readonly save_only: boolean;
  readonly language: string;
  /** `owner/slug` once known. */
  readonly ref: string | null;
  readonly version: number | null;
  readonly base_version: number | null;
  readonly url: string;
  readonly kernel_session_id: number | null;
  readonly kaggle_word: string;
  readonly reason: string;
  readonly message: string;
  readonly remedy: string;
  readonly warnings: readonly string[];
  readonly submitted_at: string | null;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly last_heard_at: string | null;
  /** Why Kaggle cannot be heard at present; empty when all is well. Never a failure of the run. */
  readonly trouble: string;
  readonly stop_requested_at: string | null;
  readonly retrieval: Retrieval;
  readonly retrieval_message: string;
  /** Relative to the workspace. */
  readonly output_dir: string;
  readonly log_count: number;
  readonly last_line: string;
  readonly progress: Progress | null;
  /** The workspace it was sent from; empty: this one. */
  readonly root: string;
  /** Whether only some cells of the notebook were sent. */
  readonly partial: boolean;
  /** Change number; grows with every change of any job. */
  readonly seq: number;
}

export const readJob = object<Job>('job', {
  id: required('job.id'),
  client_token: text,
  notebook_path: text,
  title: text,
  status: word<JobStatus>(JOB_STATUSES, 'running'),
  endpoint: readEndpoint,
  account: text,
  created_at: maybe(text),
  accelerator: text,
  machine_shape: text,
  hardware: text,
  internet: flag,
  private: flag,
  time_cap_s: maybe(count),
  save_only: flag,
  language: text,
  ref: maybe(text),
  version: maybe(count),
  base_version: maybe(count),
  url: text,
  kernel_session_id: maybe(count),
  kaggle_word: text,
  reason: text,
  message: text,
  remedy: text,
  warnings: list(text),
  submitted_at: maybe(text),
  started_at: maybe(text),
  ended_at: maybe(text),
  last_heard_at: maybe(text),
  trouble: text,
  stop_requested_at: maybe(text),
  retrieval: word<Retrieval>(RETRIEVALS, 'none'),
  retrieval_message: text,
  output_dir: text,
  log_count: count,
  last_line: text,
  progress: maybe(object<Progress>('progress', { cell: count, cells: count, done: flag })),
  root: text,
  partial: flag,
  seq: count
});

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly Job[];
  readonly removed: readonly string[];
  readonly seq: number;
  readonly more: boolean;
  readonly total: number;
}

export const readJobPage = object<JobPage>('jobs', {
  jobs: list(readJob),
  removed: list(text),
  seq: count,
  more: flag,
  total: count
});

export interface HistoryEntry {
  readonly at: string | null;
  readonly status: string;
  readonly note: string;
}

export interface JobDetail {
  readonly job: Job;
  readonly history: readonly HistoryEntry[];
}

export const readJobDetail = object<JobDetail>('job detail', {
  job: readJob,
  history: list(
    object<HistoryEntry>('history', {
      at: maybe(text),
      status: text,
      note: text
    })
  )
});

// --- log and outputs ---------------------------------------------------------------------------

export interface LogLine {
  /** A cursor: ask for what is after it. */
  readonly n: number;
  readonly stream: string;
  /** Seconds since the session started. */
  readonly time_s: number;
  readonly text: string;
}

export interface LogPage {
  readonly lines: readonly LogLine[];
  /** The last `n` of this page. */
  readonly next: number;
  /** How many lines the server has in all. */
  readonly count: number;
}

export const readLogPage = object<LogPage>('log', {
  lines: list(
    object<LogLine>('log line', {
      n: count,
      stream: text,
      time_s: count,
      text: text
    })
  ),
  next: count,
  count: count
});

export type FileState = 'listed' | 'receiving' | 'done' | 'unchanged' | 'refused' | 'failed';

export interface OutputFile {
  readonly name: string;
  readonly size: number | null;
  readonly state: FileState;
  readonly received: number;
  /** Where it lies, relative to the workspace, once done. */
  readonly path: string;
  readonly sha256: string;
  readonly message: string;
}

export interface Outputs {
  readonly retrieval: Retrieval;
  readonly folder: string;
  readonly message: string;
  readonly files: readonly OutputFile[];
}

export const readOutputs = object<Outputs>('outputs', {
  retrieval: word<Retrieval>(RETRIEVALS, 'none'),
  folder: text,
  message: text,
  files: list(
    object<OutputFile>('output file', {
      name: text,
      size: maybe(count),
      state: word<FileState>(['listed', 'receiving', 'done', 'unchanged', 'refused', 'failed'], 'listed'),
      received: count,
      path: text,
      sha256: text,
      message: text
    })
  )
});

// --- submitting --------------------------------------------------------------------------------

/** How one notebook is run, remembered on the server. */
export interface Profile {
  readonly notebook_path: string;
  readonly accelerator: string;
  readonly title: string;
  readonly ref: string;
  readonly internet: boolean;
  readonly private: boolean;
  readonly time_cap_s: number | null;
  /** Whether the user has confirmed a run of this notebook before. */
  readonly confirmed: boolean;
}

export const readProfile = object<Profile>('profile', {
  notebook_path: text,
  accelerator: text,
  title: text,
  ref: text,
  internet: flag,
  private: flag,
  time_cap_s: maybe(count),
  confirmed: flag
});

/** What is attached to a version, each list in Kaggle's own notation. */
export interface Sources {
  readonly datasets: readonly string[];
  readonly competitions: readonly string[];
  readonly kernels: readonly string[];
  readonly models: readonly string[];
}

/** What would be sent, without sending it: every question answered, and what stands in the way. */
export interface Preview {
  readonly profile: Profile;
  readonly title: string;
  readonly slug: string;
  readonly accelerator: string;
  readonly internet: boolean;
  readonly private: boolean;
  readonly time_cap_s: number | null;
  readonly source_bytes: number;
  readonly code_cells: number;
  readonly language: string;
  readonly sources: Sources;
  readonly kernel_exists: boolean;
  readonly warnings: readonly string[];
  /** Empty when nothing known stands in the way. */
  readonly problems: readonly Problem[];
}

export const readPreview = object<Preview>('preview', {
  profile: readProfile,
  title: text,
  slug: text,
  accelerator: text,
  internet: flag,
  private: flag,
  time_cap_s: maybe(count),
  source_bytes: count,
  code_cells: count,
  language: text,
  sources: object<Sources>('sources', {
    datasets: list(text),
    competitions: list(text),
    kernels: list(text),
    models: list(text)
  }),
  kernel_exists: flag,
  warnings: list(text),
  problems: list(readProblem)
});

/** A run asked for. What is left out comes from the notebook's profile, then its metadata. */
export interface SubmitRequest {
  readonly notebook_path: string;
  /** The live notebook as JSON; left out: the server reads the file. */
  readonly content?: Json;
  /** One per click; the same token never makes a second run. */
  readonly client_token?: string;
  /** The run whose source, as it was sent, is sent again. */
  readonly again?: string;
  readonly accelerator?: string;
  readonly title?: string;
  readonly internet?: boolean;
  readonly private?: boolean;
  /** In seconds; 0: as long as Kaggle allows. */
  readonly time_cap_s?: number;
  readonly save_only?: boolean;
  /** Add a version to a kernel of this title that Kaggle Lab does not know. */
  readonly add_version?: boolean;
  /** Whether the choices become the notebook's profile. */
  readonly remember?: boolean;
  /** Indexes of the only cells to send. */
  readonly cells?: readonly number[];
}

// --- news ------------------------------------------------------------------------------------------

export type ChangeKind = 'job' | 'job_removed' | 'account' | 'quota';

/** Something changed on the server; what exactly is fetched afterwards. */
export interface Change {
  readonly kind: ChangeKind;
  readonly job_id: string;
  readonly seq: number;
  readonly status: string;
  readonly log_count: number;
  readonly retrieval: string;
}

export const readChange = object<Change>('change', {
  kind: word<ChangeKind>(['job', 'job_removed', 'account', 'quota'], 'job'),
  job_id: text,
  seq: count,
  status: text,
  log_count: count,
  retrieval: text
});
