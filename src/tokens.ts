/**
 * What the rooms of the front end know of each other.
 */
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import type {
  AcceleratorTable,
  Account,
  ApiError,
  Job,
  JobDetail,
  LogLine,
  Outputs,
  Preview,
  Profile,
  Quota,
  SubmitRequest
} from './wire';

/** A value that comes from the server. An error does not erase the last value known. */
export interface Loadable<T> {
  readonly value?: T;
  readonly error?: ApiError;
  readonly loading: boolean;
  /** When `value` came, in milliseconds since 1970. */
  readonly at?: number;
}

/** The front end's one truth. Views read it, listen to its signals, and ask it to act. */
export interface IKaggleModel extends IDisposable {
  readonly account: Loadable<Account>;
  readonly quota: Loadable<Quota>;
  readonly accelerators: Loadable<AcceleratorTable>;
  /** Newest first, as far as loaded. A new array with every change. */
  readonly jobs: readonly Job[];
  /** How many the server has. */
  readonly jobsTotal: number;
  readonly hasMore: boolean;
  /** Whether the first list of jobs has come. */
  readonly isReady: boolean;
  /** The failure of the last look at the jobs; undefined when it went well. */
  readonly jobsError: ApiError | undefined;
  /** Whether the Jupyter server can be reached. */
  readonly connected: boolean;

  readonly accountChanged: ISignal<IKaggleModel, void>;
  readonly quotaChanged: ISignal<IKaggleModel, void>;
  readonly acceleratorsChanged: ISignal<IKaggleModel, void>;
  /** Carries the ids of the jobs added, changed or removed. */
  readonly jobsChanged: ISignal<IKaggleModel, string[]>;
  readonly connectionChanged: ISignal<IKaggleModel, void>;

  /** The first fetch of the jobs, once however often it is called. Never rejects. */
  start(): Promise<void>;
  /** These refreshes never reject: a failure is in the Loadable's `error`, or in `jobsError`. */
  refreshAccount(force?: boolean): Promise<void>;
  refreshQuota(force?: boolean): Promise<void>;
  refreshAccelerators(): Promise<void>;
  refreshJobs(): Promise<void>;
  loadMore(): Promise<void>;

  job(id: string): Job | undefined;
  /** All below reject with ApiError. */
  fetchJob(id: string): Promise<JobDetail>;
  signIn(token: string): Promise<void>;
  signOut(): Promise<void>;
  useEmulator(): Promise<void>;
  useKaggle(): Promise<void>;
  profile(notebookPath: string): Promise<Profile>;
  saveProfile(profile: Profile): Promise<Profile>;
  preview(request: SubmitRequest): Promise<Preview>;
  /** One run per `client_token`, however often it is called. */
  submit(request: SubmitRequest): Promise<Job>;
  stop(id: string): Promise<void>;
  /** From the list only; files and Kaggle stay untouched. */
  remove(id: string): Promise<void>;
  retrieve(id: string, names?: readonly string[]): Promise<void>;
  outputs(id: string, refresh?: boolean): Promise<Outputs>;
  /** The log of a job, followed until the caller disposes of it. */
  openLog(id: string): ILogModel;
}

/** The lines of one job's log, oldest first. Starts with the last ones and follows. */
export interface ILogModel extends IDisposable {
  readonly jobId: string;
  /** How many lines the server has. */
  readonly count: number;
  /** How many lines are here. */
  readonly loaded: number;
  /** The i-th loaded line, from 0. Indexes shift when older lines are loaded. */
  line(index: number): LogLine | undefined;
  /** Whether the log is here from its very first line. */
  readonly complete: boolean;
  readonly loading: boolean;
  readonly error?: ApiError;
  readonly changed: ISignal<ILogModel, void>;
  /** Load what is before the first loaded line. Never rejects; see `error`. */
  retry(): Promise<void>;
  loadAll(): Promise<void>;
}

/** What a view can ask the application to do. All errors are shown by the action itself. */
export interface IActions {
  openLog(id: string): void;
  openOutputs(id: string): void;
  /** Open a file of the workspace in JupyterLab. */
  openFile(workspacePath: string): void;
  /** Download a file of the workspace with the browser. */
  downloadFile(workspacePath: string): void;
  /** Show a folder of the workspace in the file browser. */
  revealFolder(path: string): void;
  openOnKaggle(job: Job): void;
  /** Submit the job's notebook again with the job's settings. */
  runAgain(id: string): void;
  stop(id: string): void;
  remove(id: string): void;
  /** Submit the notebook in front. */
  submitCurrent(): void;
  /** Show the sidebar, e.g. for its sign-in card. */
  showSidebar(): void;
}

/** The service other extensions can ask for. */
export interface IKaggleLab {
  readonly actions: IActions;
  /** The model; loaded on first use. */
  load(): Promise<IKaggleModel>;
}

export const IKaggleLab = new Token<IKaggleLab>(
  'kaggle-lab:IKaggleLab',
  'The model of Kaggle Lab: the account, its quota and its runs, and what can be done with them.'
);

/** Names of commands, in one place. */
export const CommandIDs = {
  run: 'kaggle-lab:run-notebook',
  options: 'kaggle-lab:run-with-options',
  save: 'kaggle-lab:save-version',
  setAccelerator: 'kaggle-lab:set-accelerator',
  runFile: 'kaggle-lab:run-file',
  showSidebar: 'kaggle-lab:show-sidebar',
  toggleSidebar: 'kaggle-lab:toggle-sidebar',
  refresh: 'kaggle-lab:refresh',
  openLog: 'kaggle-lab:open-log',
  openOutputs: 'kaggle-lab:open-outputs',
  openOnKaggle: 'kaggle-lab:open-on-kaggle',
  runAgain: 'kaggle-lab:run-again',
  stop: 'kaggle-lab:stop-run',
  remove: 'kaggle-lab:remove-run',
  retrieve: 'kaggle-lab:retrieve-outputs',
  downloadFile: 'kaggle-lab:download-file',
  signIn: 'kaggle-lab:sign-in',
  signOut: 'kaggle-lab:sign-out',
  useEmulator: 'kaggle-lab:use-emulator',
  useKaggle: 'kaggle-lab:use-kaggle'
} as const;
