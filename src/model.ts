/**
 * The front end's one truth: what is known of the account, the quota and the jobs.
 *
 * News come as small events; each only says that something changed, and the model then asks for what is
 * new after its own cursor. While runs are live it also looks by itself now and then, in case an event
 * was lost with the connection; when nothing is live it is silent.
 */
import { UUID } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';
import type { KaggleLabClient } from './client';
import { JobList } from './job-list';
import { Loader } from './loader';
import { LogModel } from './log-model';
import type { IKaggleModel, ILogModel, Loadable } from './tokens';
import {
  type ApiError,
  asApiError,
  isFinished,
  type AcceleratorTable,
  type Account,
  type Change,
  type Job,
  type JobDetail,
  type JobPage,
  type Outputs,
  type Preview,
  type Profile,
  type Quota,
  type SubmitRequest
} from './wire';

export type { IKaggleModel, ILogModel, Loadable } from './tokens';

const PAGE = 100;
const CHANGES = 500;

/** Intervals in milliseconds. */
export interface IModelTiming {
  /** At least this long between two fetches of changes, whatever the number of events. */
  readonly settleMs: number;
  /** How often to look without an event while a run is live. */
  readonly lookMs: number;
  /** The first wait after the server was lost; doubles up to `lookMs`. */
  readonly retryMs: number;
  /** How long a quota is fresh. */
  readonly quotaMs: number;
  /** Waits between attempts of a submit whose answer was lost. */
  readonly submitRetryMs: readonly number[];
}

const TIMING: IModelTiming = {
  settleMs: 250,
  lookMs: 30_000,
  retryMs: 1000,
  quotaMs: 60_000,
  submitRetryMs: [1000, 3000]
};

export class KaggleModel implements IKaggleModel {
  constructor(
    private readonly _client: KaggleLabClient,
    timing: Partial<IModelTiming> = {}
  ) {
    this._timing = { ...TIMING, ...timing };
  }

  // --- what is known ---------------------------------------------------------------------------

  get account(): Loadable<Account> {
    return this._account.state;
  }

  get quota(): Loadable<Quota> {
    return this._quota.state;
  }

  get accelerators(): Loadable<AcceleratorTable> {
    return this._accelerators.state;
  }

  get jobs(): readonly Job[] {
    return this._jobs.items;
  }

  get jobsTotal(): number {
    return Math.max(this._total, this._jobs.items.length);
  }

  get hasMore(): boolean {
    return this._hasMore;
  }

  get isReady(): boolean {
    return this._cursor !== undefined;
  }

  get jobsError(): ApiError | undefined {
    return this._jobsError;
  }

  get connected(): boolean {
    return this._failures === 0;
  }

  get accountChanged(): ISignal<IKaggleModel, void> {
    return this._accountChanged;
  }

  get quotaChanged(): ISignal<IKaggleModel, void> {
    return this._quotaChanged;
  }

  get acceleratorsChanged(): ISignal<IKaggleModel, void> {
    return this._acceleratorsChanged;
  }

  get jobsChanged(): ISignal<IKaggleModel, string[]> {
    return this._jobsChanged;
  }

  get connectionChanged(): ISignal<IKaggleModel, void> {
    return this._connectionChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  job(id: string): Job | undefined {
    return this._jobs.get(id);
  }

  // --- keeping up ------------------------------------------------------------------------------

  async start(): Promise<void> {
    if (!this.isReady) {
      await this.refreshJobs();
    }
  }

  refreshAccount(force = false): Promise<void> {
    return this._account.load(() => this._heard(this._client.account(force)));
  }

  async refreshQuota(force = false): Promise<void> {
    const { at, error } = this.quota;
    const isFresh = at !== undefined && !error && Date.now() - at < this._timing.quotaMs;
    if (force || !isFresh) {
      await this._quota.load(() => this._heard(this._client.quota(force)));
    }
  }

  async refreshAccelerators(): Promise<void> {
    if (!this.accelerators.value) {
      await this._accelerators.load(() => this._heard(this._client.accelerators()));
    }
  }

  /** Fetch what changed. A call made while one is under way makes it look once more. */
  refreshJobs(): Promise<void> {
    this._lookAgain = this._looking !== undefined;
    this._looking ??= this._look().finally(() => this._looked());
    return this._looking;
  }

  loadMore(): Promise<void> {
    this._paging ??= this._nextPage().finally(() => {
      this._paging = undefined;
    });
    return this._paging;
  }

  /** Take one piece of news from the server. */
  handleChange(change: Change): void {
    if (change.kind === 'account') {
      void this._ifKnown(this.account, () => this.refreshAccount());
    } else if (change.kind === 'quota') {
      void this._ifKnown(this.quota, () => this._quota.load(() => this._heard(this._client.quota())));
    } else {
      this._handleJobChange(change);
    }
  }

  /** The page is seen again, or the network is back: catch up. */
  async wake(): Promise<void> {
    if (this.isReady || !this.connected) {
      await this.refreshJobs();
    }
  }

  // --- acting ----------------------------------------------------------------------------------

  async fetchJob(id: string): Promise<JobDetail> {
    const detail = await this._heard(this._client.job(id));
    this._put([detail.job]);
    return detail;
  }

  async signIn(token: string): Promise<void> {
    await this._switchAccount(this._client.signIn(token));
  }

  async signOut(): Promise<void> {
    await this._switchAccount(this._client.signOut());
  }

  async useEmulator(): Promise<void> {
    await this._switchAccount(this._client.useEmulator());
  }

  async useKaggle(): Promise<void> {
    await this._switchAccount(this._client.useKaggle());
  }

  profile(notebookPath: string): Promise<Profile> {
    return this._heard(this._client.profile(notebookPath));
  }

  saveProfile(profile: Profile): Promise<Profile> {
    return this._heard(this._client.saveProfile(profile));
  }

  preview(request: SubmitRequest): Promise<Preview> {
    return this._heard(this._client.preview(request));
  }

  submit(request: SubmitRequest): Promise<Job> {
    const token = request.client_token || UUID.uuid4();
    const known = this._sending.get(token);
    if (known) {
      return known;
    }
    const sending = this._submit({ ...request, client_token: token });
    this._sending.set(token, sending);
    const forget = () => this._sending.delete(token);
    sending.then(forget, forget);
    return sending;
  }

  async stop(id: string): Promise<void> {
    this._put([await this._heard(this._client.stop(id))]);
  }

  async remove(id: string): Promise<void> {
    await this._heard(this._client.remove(id));
    this._drop([id]);
  }

  async retrieve(id: string, names?: readonly string[]): Promise<void> {
    this._put([await this._heard(this._client.retrieve(id, names))]);
  }

  outputs(id: string, refresh = false): Promise<Outputs> {
    return this._heard(this._client.outputs(id, refresh));
  }

  openLog(id: string): ILogModel {
    const log = new LogModel(this._client, id, closed => this._logs.delete(closed));
    this._logs.add(log);
    return log;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._timer);
    clearTimeout(this._settling);
    [...this._logs].forEach(log => log.dispose());
    Signal.clearData(this);
  }

  // --- helpers: jobs ---------------------------------------------------------------------------

  private async _look(): Promise<void> {
    try {
      do {
        this._lookAgain = false;
        await (this._cursor === undefined ? this._firstPage() : this._changes(this._cursor));
      } while (this._lookAgain && !this._isDisposed);
      this._setJobsError(undefined);
    } catch (error) {
      this._setJobsError(asApiError(error));
    }
  }

  /** A wish for another look that came while a failed one was ending is not forgotten. */
  private _looked(): void {
    this._looking = undefined;
    if (this._lookAgain && !this._isDisposed) {
      void this.refreshJobs();
    } else {
      this._lookLater();
    }
  }

  private async _firstPage(): Promise<void> {
    const page = await this._heard(this._client.jobs({ limit: PAGE }));
    this._jobs.clear();
    this._hasMore = page.more;
    this._takeIn(page, this._jobs.putPage(page.jobs));
  }

  private async _changes(since: number): Promise<void> {
    let page: JobPage;
    let from = since;
    do {
      page = await this._heard(this._client.jobs({ since: from, limit: CHANGES }));
      if (page.seq < from) {
        // The server has another store than before: start over.
        return this._firstPage();
      }
      const changed = [...this._jobs.put(page.jobs), ...this._jobs.remove(page.removed)];
      this._takeIn(page, changed);
      const isStuck = page.seq === from;
      from = page.seq;
      if (isStuck) {
        return;
      }
    } while (page.more && !this._isDisposed);
  }

  private async _nextPage(): Promise<void> {
    if (!this._hasMore || !this._jobs.tail) {
      return;
    }
    try {
      const page = await this._heard(this._client.jobs({ before: this._jobs.tail, limit: PAGE }));
      this._hasMore = page.more && page.jobs.length > 0;
      this._announce(this._jobs.putPage(page.jobs));
    } catch (error) {
      this._setJobsError(asApiError(error));
    }
  }

  private _takeIn(page: JobPage, changed: string[]): void {
    this._cursor = page.seq;
    this._total = page.total;
    this._announce(changed);
  }

  private _put(jobs: readonly Job[]): void {
    this._announce(this._jobs.put(jobs));
    this._lookLater();
  }

  private _drop(ids: readonly string[]): void {
    const gone = this._jobs.remove(ids);
    this._total = Math.max(0, this._total - gone.length);
    this._announce(gone);
  }

  private _announce(ids: string[]): void {
    if (this._isDisposed || ids.length === 0) {
      return;
    }
    for (const log of this._logs) {
      log.notice(this.job(log.jobId)?.log_count ?? 0);
    }
    this._jobsChanged.emit(ids);
  }

  private _handleJobChange(change: Change): void {
    for (const log of this._logs) {
      if (log.jobId === change.job_id) {
        log.notice(change.log_count);
      }
    }
    if (this.isReady && change.seq > (this._cursor ?? 0)) {
      this._lookSoon();
    }
  }

  /** Gather events that come close together into one fetch. */
  private _lookSoon(): void {
    this._settling ??= setTimeout(() => {
      this._settling = undefined;
      void this.refreshJobs();
    }, this._timing.settleMs);
  }

  /** Look again by itself while a run is live or the server is away. */
  private _lookLater(): void {
    clearTimeout(this._timer);
    const delay = this._nextLook();
    if (delay !== undefined && !this._isDisposed) {
      this._timer = setTimeout(() => void this.refreshJobs(), delay);
    }
  }

  private _nextLook(): number | undefined {
    if (!this.connected) {
      return Math.min(this._timing.lookMs, this._timing.retryMs * 2 ** (this._failures - 1));
    }
    const isLive = this.jobs.some(job => !isFinished(job.status) || job.retrieval === 'running');
    return isLive ? this._timing.lookMs : undefined;
  }

  private _setJobsError(error: ApiError | undefined): void {
    const isNews = error?.code !== this._jobsError?.code;
    this._jobsError = error;
    if (isNews && !this._isDisposed) {
      this._jobsChanged.emit([]);
    }
  }

  // --- helpers: the rest -----------------------------------------------------------------------

  private async _submit(request: SubmitRequest & { client_token: string }): Promise<Job> {
    try {
      const job = await this._send(request);
      this._put([job]);
      return job;
    } catch (error) {
      void this.refreshJobs();
      throw error;
    }
  }

  /** The token makes a repetition harmless: the server answers with the run it already has. */
  private async _send(request: SubmitRequest & { client_token: string }): Promise<Job> {
    for (const wait of this._timing.submitRetryMs) {
      try {
        return await this._heard(this._client.submit(request));
      } catch (error) {
        if (asApiError(error).code !== 'server_unreachable') {
          throw error;
        }
        await new Promise(resolve => setTimeout(resolve, wait));
      }
    }
    return this._heard(this._client.submit(request));
  }

  private async _switchAccount(asked: Promise<Account>): Promise<void> {
    this._account.set(await this._heard(asked));
    this._quota.clear();
    await this.refreshQuota();
  }

  private async _ifKnown(what: Loadable<unknown>, refresh: () => Promise<void>): Promise<void> {
    if (what.value !== undefined || what.error !== undefined) {
      await refresh();
    }
  }

  /** Notice from any call whether the server is there. */
  private async _heard<T>(call: Promise<T>): Promise<T> {
    try {
      const value = await call;
      this._setReach(true);
      return value;
    } catch (error) {
      this._setReach(asApiError(error).code !== 'server_unreachable');
      throw error;
    }
  }

  private _setReach(isThere: boolean): void {
    const before = this.connected;
    this._failures = isThere ? 0 : this._failures + 1;
    if (this._isDisposed || before === isThere) {
      return;
    }
    this._connectionChanged.emit();
    if (isThere) {
      void this._catchUp();
    } else {
      this._lookLater();
    }
  }

  /** After the server was away, whatever was known may be old. */
  private async _catchUp(): Promise<void> {
    this._logs.forEach(log => log.notice(Infinity));
    await Promise.all([
      this._ifKnown(this.account, () => this.refreshAccount()),
      this._ifKnown(this.quota, () => this.refreshQuota(true)),
      this.isReady ? this.refreshJobs() : undefined
    ]);
  }

  private readonly _timing: IModelTiming;
  private readonly _jobs = new JobList();
  private readonly _logs = new Set<LogModel>();
  private readonly _sending = new Map<string, Promise<Job>>();
  private readonly _accountChanged = new Signal<IKaggleModel, void>(this);
  private readonly _quotaChanged = new Signal<IKaggleModel, void>(this);
  private readonly _acceleratorsChanged = new Signal<IKaggleModel, void>(this);
  private readonly _jobsChanged = new Signal<IKaggleModel, string[]>(this);
  private readonly _connectionChanged = new Signal<IKaggleModel, void>(this);
  private readonly _account = new Loader<Account>(() => this._tell(this._accountChanged));
  private readonly _quota = new Loader<Quota>(() => this._tell(this._quotaChanged));
  private readonly _accelerators = new Loader<AcceleratorTable>(() => this._tell(this._acceleratorsChanged));

  private _tell(signal: Signal<IKaggleModel, void>): void {
    if (!this._isDisposed) {
      signal.emit();
    }
  }

  private _cursor: number | undefined;
  private _total = 0;
  private _hasMore = false;
  private _jobsError: ApiError | undefined;
  private _failures = 0;
  private _looking: Promise<void> | undefined;
  private _lookAgain = false;
  private _paging: Promise<void> | undefined;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _settling: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}
