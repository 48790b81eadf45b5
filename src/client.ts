/**
 * The only place that speaks to Kaggle Lab's REST interface.
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import {
  ApiError,
  readAccelerators,
  readAccount,
  readJob,
  readJobDetail,
  readJobPage,
  readLogPage,
  readOutputs,
  readPreview,
  readProblem,
  readProfile,
  readQuota,
  type AcceleratorTable,
  type Account,
  type Job,
  type JobDetail,
  type JobPage,
  type LocalCode,
  type LogPage,
  type Outputs,
  type Preview,
  type Profile,
  type Quota,
  type SubmitRequest
} from './wire';

const API = 'kaggle-lab/api';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface ICall<T> {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Query;
  readonly body?: unknown;
  readonly read: (value: unknown) => T;
}

/** Which part of a log to read. Both left out: from the start. */
export interface ILogRange {
  /** Lines after this cursor. */
  readonly after?: number;
  readonly limit?: number;
  /** The last lines only. */
  readonly tail?: number;
}

/** Which jobs to list; `since` asks for what changed after that change number. */
export interface IJobsQuery {
  readonly since?: number;
  readonly limit?: number;
  /** Jobs older than the one with this id. */
  readonly before?: string;
}

/** Calls of the REST interface; each rejects with {@link ApiError} and nothing else. */
export class KaggleLabClient {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  account(refresh = false): Promise<Account> {
    return this._call('account', { query: { refresh }, read: readAccount });
  }

  signIn(token: string): Promise<Account> {
    return this._call('account', { method: 'POST', body: { token }, read: readAccount });
  }

  signOut(): Promise<Account> {
    return this._call('account', { method: 'DELETE', read: readAccount });
  }

  useEmulator(): Promise<Account> {
    return this._call('account/emulator', { method: 'POST', body: {}, read: readAccount });
  }

  useKaggle(): Promise<Account> {
    return this._call('account/emulator', { method: 'DELETE', read: readAccount });
  }

  quota(refresh = false): Promise<Quota> {
    return this._call('quota', { query: { refresh }, read: readQuota });
  }

  accelerators(): Promise<AcceleratorTable> {
    return this._call('accelerators', { read: readAccelerators });
  }

  preview(request: SubmitRequest): Promise<Preview> {
    return this._call('preview', { method: 'POST', body: request, read: readPreview });
  }

  submit(request: SubmitRequest & { readonly client_token: string }): Promise<Job> {
    return this._call('jobs', { method: 'POST', body: request, read: readJob });
  }

  jobs(query: IJobsQuery = {}): Promise<JobPage> {
    return this._call('jobs', { query: { ...query }, read: readJobPage });
  }

  job(id: string): Promise<JobDetail> {
    return this._call(jobPath(id), { read: readJobDetail });
  }

  remove(id: string): Promise<void> {
    return this._call(jobPath(id), { method: 'DELETE', read: () => undefined });
  }

  log(id: string, range: ILogRange = {}): Promise<LogPage> {
    return this._call(jobPath(id, 'log'), { query: { ...range }, read: readLogPage });
  }

  stop(id: string): Promise<Job> {
    return this._call(jobPath(id, 'stop'), { method: 'POST', body: {}, read: readJob });
  }

  outputs(id: string, refresh = false): Promise<Outputs> {
    return this._call(jobPath(id, 'outputs'), { query: { refresh }, read: readOutputs });
  }

  retrieve(id: string, names?: readonly string[], folder?: string): Promise<Job> {
    const body = { names: names ?? null, folder: folder ?? null };
    return this._call(jobPath(id, 'outputs'), { method: 'POST', body, read: readJob });
  }

  profile(path: string): Promise<Profile> {
    return this._call('profile', { query: { path }, read: readProfile });
  }

  saveProfile(profile: Profile): Promise<Profile> {
    return this._call('profile', { method: 'PUT', body: profile, read: readProfile });
  }

  private async _call<T>(path: string, call: ICall<T>): Promise<T> {
    const url = URLExt.join(this._settings.baseUrl, API, path) + queryText(call.query ?? {});
    const init: RequestInit = { method: call.method ?? 'GET' };
    if (call.body !== undefined) {
      init.body = JSON.stringify(call.body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    const response = await send(url, init, this._settings);
    const text = await bodyText(response);
    if (!response.ok) {
      throw refusal(response.status, text);
    }
    return parse(text, call.read, response.status);
  }
}

function jobPath(id: string, part = ''): string {
  return URLExt.join('jobs', encodeURIComponent(id), part);
}

function queryText(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== false);
  const pairs = given.map(([key, value]) => [key, value === true ? '1' : String(value)]);
  return pairs.length ? `?${new URLSearchParams(pairs)}` : '';
}

async function send(url: string, init: RequestInit, settings: ServerConnection.ISettings): Promise<Response> {
  try {
    return await ServerConnection.makeRequest(url, init, settings);
  } catch (error) {
    throw local('server_unreachable', 0, error);
  }
}

async function bodyText(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw local('server_unreachable', 0, error);
  }
}

function parse<T>(text: string, read: (value: unknown) => T, status: number): T {
  try {
    return read(text ? JSON.parse(text) : undefined);
  } catch (error) {
    throw local('confused', status, error);
  }
}

/** The error of an answer that is not 2xx: the server's own if it gave one. */
function refusal(status: number, text: string): ApiError {
  try {
    const problem = readProblem(JSON.parse(text));
    if (problem.code) {
      return new ApiError(problem, status);
    }
  } catch {
    // Not ours: a proxy's page, or Jupyter's own error.
  }
  if (status === 404) {
    return local('server_missing', status);
  }
  if (AWAY.has(status)) {
    return local('server_unreachable', status);
  }
  return local(status === 401 || status === 403 ? 'forbidden' : 'confused', status);
}

/** What a proxy in front of the Jupyter server says when it gets no answer from it. */
const AWAY: ReadonlySet<number> = new Set([424, 502, 503, 504]);

function local(code: LocalCode, status: number, reason?: unknown): ApiError {
  const detail = reason instanceof Error ? reason.message : '';
  return new ApiError({ code, data: detail ? { detail } : {} }, status);
}
