/**
 * The server as a test needs it: answers the REST interface from what the test put in, through the real
 * client and the real model. Only HTTP itself is replaced.
 */
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { KaggleLabClient } from '../client';
import { KaggleModel, type IModelTiming } from '../model';
import type { IActions } from '../tokens';
import type { Account, HistoryEntry, Job, LogLine, Outputs, Problem, Quota } from '../wire';
import { accountWire, quotaWire } from './factory';

const BASE = 'http://localhost:8888/';
const API = `${BASE}kaggle-lab/api/`;

export const trans = nullTranslator.load('kaggle_lab');

/** How many pixels high every element is: jsdom lays nothing out. */
export const VIEW_HEIGHT = 400;

export function giveElementsHeight(height = VIEW_HEIGHT): void {
  Object.defineProperty(HTMLElement.prototype, 'clientHeight', { configurable: true, get: () => height });
}

interface IAnswer {
  status: number;
  body: unknown;
}

export class Lab {
  account: Account = accountWire();
  quota: Quota = quotaWire();
  /** Newest first. */
  jobs: Job[] = [];
  history: HistoryEntry[] = [];
  readonly logs = new Map<string, LogLine[]>();
  readonly outputs = new Map<string, Outputs>();
  /** Every request that came, as `POST jobs/job-1/stop`, and its body where it had one. */
  readonly requests: { line: string; body: unknown }[] = [];
  /** Answers in place of the usual ones, by method and path, e.g. `POST account`. */
  readonly answers = new Map<string, () => IAnswer | Promise<IAnswer>>();
  /** Whether requests get through at all. */
  reachable = true;

  readonly model: KaggleModel;

  constructor(timing: Partial<IModelTiming> = {}) {
    const settings = ServerConnection.makeSettings({
      baseUrl: BASE,
      fetch: (request: RequestInfo | URL) => this.answer(request as Request)
    });
    this.model = new KaggleModel(new KaggleLabClient(settings), { settleMs: 0, ...timing });
  }

  /** Add or change a job and tell the model, as the server's event would. */
  put(job: Job): void {
    const seq = Math.max(0, ...this.jobs.map(other => other.seq)) + 1;
    const known = this.jobs.some(other => other.id === job.id);
    const next = { ...job, seq };
    this.jobs = known ? this.jobs.map(other => (other.id === job.id ? next : other)) : [next, ...this.jobs];
    const { id: job_id, status, log_count, retrieval } = next;
    this.model.handleChange({ kind: 'job', job_id, seq, status, log_count, retrieval });
  }

  /** Make a request fail with one of the server's errors. */
  refuse(line: string, status: number, problem: Partial<Problem>): void {
    this.answers.set(line, () => ({
      status,
      body: { code: 'refused', cause: '', remedy: '', data: {}, ...problem }
    }));
  }

  sent(line: string): unknown[] {
    return this.requests.filter(request => request.line === line).map(request => request.body);
  }

  /** Answer one request. */
  async answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = url.href.slice(API.length).split('?')[0];
    const line = `${request.method} ${path}`;
    const text = await request.text();
    this.requests.push({ line, body: text ? JSON.parse(text) : undefined });
    if (!this.reachable) {
      throw new TypeError('no route to host');
    }
    const special = this.answers.get(line);
    const { status, body } = special ? await special() : this._answer(line, path, url.searchParams);
    const isEmpty = status === 204;
    return new Response(isEmpty ? null : JSON.stringify(body), { status });
  }

  private _answer(line: string, path: string, query: URLSearchParams): IAnswer {
    const [verb] = line.split(' ');
    const [room, id, part] = path.split('/');
    if (room === 'jobs' && id) {
      return this._jobAnswer(verb, id, part ?? '', query);
    }
    switch (line) {
      case 'GET account':
      case 'POST account':
      case 'DELETE account':
      case 'POST account/emulator':
      case 'DELETE account/emulator':
        return { status: 200, body: this.account };
      case 'GET quota':
        return { status: 200, body: this.quota };
      case 'GET accelerators':
        return { status: 200, body: { as_of: '2026-10', items: ACCELERATORS } };
      case 'GET jobs':
        return { status: 200, body: this._page(query) };
      default:
        return { status: 404, body: {} };
    }
  }

  private _jobAnswer(verb: string, id: string, part: string, query: URLSearchParams): IAnswer {
    const job = this.jobs.find(other => other.id === id);
    if (!job) {
      return { status: 404, body: { code: 'no_such_job', cause: 'There is no such run.' } };
    }
    switch (`${verb} ${part}`) {
      case 'GET ':
        return { status: 200, body: { job, history: this.history } };
      case 'DELETE ':
        this.jobs = this.jobs.filter(other => other.id !== id);
        return { status: 204, body: null };
      case 'POST stop': {
        const stopping = { ...job, stop_requested_at: '2026-11-21T08:10:00.000Z', seq: job.seq + 1 };
        this.jobs = this.jobs.map(other => (other.id === id ? stopping : other));
        return { status: 202, body: stopping };
      }
      case 'GET log':
        return { status: 200, body: this._log(id, query) };
      case 'GET outputs':
        return {
          status: 200,
          body: this.outputs.get(id) ?? { retrieval: job.retrieval, folder: '', message: '', files: [] }
        };
      case 'POST outputs':
        return { status: 202, body: job };
      default:
        return { status: 404, body: {} };
    }
  }

  private _page(query: URLSearchParams): unknown {
    const since = Number(query.get('since') ?? 0);
    const limit = Number(query.get('limit') ?? 100);
    const before = this.jobs.findIndex(job => job.id === query.get('before'));
    const found = this.jobs.slice(before + 1).filter(job => job.seq > since);
    return {
      jobs: found.slice(0, limit),
      removed: [],
      seq: Math.max(since, ...this.jobs.map(job => job.seq)),
      more: found.length > limit,
      total: this.jobs.length
    };
  }

  private _log(id: string, query: URLSearchParams): unknown {
    const lines = this.logs.get(id) ?? [];
    const tail = query.get('tail');
    const after = tail ? lines.length - 1 - Number(tail) : Number(query.get('after') ?? -1);
    const limit = Number(tail ?? query.get('limit') ?? 5000);
    const page = lines.slice(Math.max(0, after + 1), Math.max(0, after + 1) + limit);
    return { lines: page, next: page.at(-1)?.n ?? after, count: lines.length };
  }
}

/** Actions that only remember that they were called. */
export function actionsSpy(): jest.Mocked<IActions> {
  return {
    openLog: jest.fn(),
    openOutputs: jest.fn(),
    openFile: jest.fn(),
    downloadFile: jest.fn(),
    revealFolder: jest.fn(),
    openOnKaggle: jest.fn(),
    runAgain: jest.fn(),
    stop: jest.fn(),
    remove: jest.fn(),
    submitCurrent: jest.fn(),
    showSidebar: jest.fn()
  };
}

const ACCELERATORS = [
  {
    id: 'none',
    label: 'None (CPU)',
    kaggle_id: 'None',
    kind: 'cpu',
    availability: 'everyone',
    hardware: '4 vCPU',
    memory_gib: 30,
    time_cap_s: 43200,
    aliases: ['cpu']
  },
  {
    id: 't4x2',
    label: 'GPU T4 x2',
    kaggle_id: 'NvidiaTeslaT4',
    kind: 'gpu',
    availability: 'phone',
    hardware: '2 x NVIDIA T4',
    memory_gib: 30,
    time_cap_s: 43200,
    aliases: ['t4']
  },
  {
    id: 'tpu-v5e-8',
    label: 'TPU v5e-8',
    kaggle_id: 'TpuV5E8',
    kind: 'tpu',
    availability: 'everyone',
    hardware: '8 x v5e',
    memory_gib: 125,
    time_cap_s: 32400,
    aliases: ['tpu']
  }
];
