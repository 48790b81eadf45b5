/**
 * The lines of one job's log: its end first, then what comes, then, on request, its beginning.
 */
import { Signal, type ISignal } from '@lumino/signaling';
import type { KaggleLabClient } from './client';
import type { ILogModel } from './tokens';
import { ApiError, type LogLine, type LogPage } from './wire';

const FIRST_LINES = 1000;
const PAGE = 5000;

export class LogModel implements ILogModel {
  constructor(
    private readonly _client: KaggleLabClient,
    readonly jobId: string,
    private readonly _onDispose: (log: LogModel) => void
  ) {
    void this._advance();
  }

  get count(): number {
    return this._count;
  }

  get loaded(): number {
    return this._lines.length;
  }

  get complete(): boolean {
    return this._hasHead;
  }

  get loading(): boolean {
    return this._following || this._filling !== undefined;
  }

  get error(): ApiError | undefined {
    return this._error;
  }

  get changed(): ISignal<ILogModel, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  line(index: number): LogLine | undefined {
    return this._lines[index];
  }

  /** Tell that the server has this many lines now; fetches what is new. */
  notice(count: number): void {
    if (count > this._count || this._error || !this._opened) {
      void this._advance();
    }
  }

  /** Fetch again what could not be fetched. */
  retry(): Promise<void> {
    return this._advance();
  }

  loadAll(): Promise<void> {
    this._filling ??= this._guard(() => this._fillHead()).finally(() => {
      this._filling = undefined;
      this._emit();
    });
    return this._filling;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._lines = [];
      this._onDispose(this);
      Signal.clearData(this);
    }
  }

  /** Fetch to the end; a call made meanwhile makes it look once more. */
  private async _advance(): Promise<void> {
    this._again = true;
    if (this._following) {
      return;
    }
    this._following = true;
    while (this._again && !this._isDisposed) {
      this._again = false;
      await this._guard(() => (this._opened ? this._fetchNew() : this._fetchTail()));
    }
    this._following = false;
    this._emit();
  }

  private async _fetchTail(): Promise<void> {
    const page = await this._client.log(this.jobId, { tail: FIRST_LINES });
    this._opened = true;
    this._lines = [...page.lines];
    this._hasHead = page.lines.length >= page.count;
    this._count = page.count;
    this._emit();
  }

  private async _fetchNew(): Promise<void> {
    let page: LogPage;
    do {
      page = await this._client.log(this.jobId, { after: this._lastN(), limit: PAGE });
      this._append(page);
      this._emit();
    } while (page.lines.length >= PAGE && !this._isDisposed);
  }

  /** Lines of the head are gathered aside and put in front at once, so that indexes shift only once. */
  private async _fillHead(): Promise<void> {
    const head: LogLine[] = [];
    let after = -1;
    while (!this._hasHead && !this._isDisposed) {
      const page = await this._client.log(this.jobId, { after, limit: PAGE });
      const first = this._lines[0]?.n ?? Infinity;
      const older = page.lines.filter(line => line.n < first);
      head.push(...older);
      after = page.next;
      if (older.length < page.lines.length || page.lines.length === 0) {
        this._lines = head.concat(this._lines);
        this._hasHead = true;
        this._count = Math.max(this._count, this._lines.length);
      }
    }
  }

  private _append(page: LogPage): void {
    const last = this._lastN();
    for (const line of page.lines) {
      if (line.n > last) {
        this._lines.push(line);
      }
    }
    this._count = Math.max(page.count, this._lines.length);
  }

  private _lastN(): number {
    return this._lines.at(-1)?.n ?? -1;
  }

  private async _guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this._error = undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this._error = error;
    }
  }

  private _emit(): void {
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private _lines: LogLine[] = [];
  private _count = 0;
  private _hasHead = false;
  private _opened = false;
  private _following = false;
  private _again = false;
  private _filling: Promise<void> | undefined;
  private _error: ApiError | undefined;
  private _isDisposed = false;
  private readonly _changed = new Signal<ILogModel, void>(this);
}
