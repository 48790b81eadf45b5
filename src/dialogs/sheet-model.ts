/**
 * What the confirm sheet knows: the choice so far, what it would send, and how sending went.
 */
import { Signal, type ISignal } from '@lumino/signaling';
import type { IDisposable } from '@lumino/disposable';
import { withoutOutputs } from '../notebook-content';
import { settingsOf, type IChoice, type ISheetRequest } from '../submit-flow';
import type { IKaggleModel } from '../tokens';
import {
  asApiError,
  type ApiError,
  type Accelerator,
  type Job,
  type Json,
  type Preview,
  type SubmitRequest
} from '../wire';

const SETTLE_MS = 300;

export class SheetModel implements IDisposable {
  constructor(
    readonly lab: IKaggleModel,
    readonly request: ISheetRequest,
    private readonly _settleMs = SETTLE_MS
  ) {
    this._error = request.error;
    if (request.like) {
      const { save_only, ...given } = settingsOf(request.like);
      this._given = given;
    }
    if (request.accelerator) {
      this._given = { ...this._given, accelerator: request.accelerator };
    }
    lab.acceleratorsChanged.connect(this._emit, this);
    lab.quotaChanged.connect(this._emit, this);
    lab.accountChanged.connect(this._emit, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What was chosen; what was not comes from the server's proposal. */
  get choice(): IChoice {
    const { preview } = this;
    return {
      title: '',
      accelerator: preview?.accelerator ?? 'none',
      internet: preview?.internet ?? true,
      private: preview?.private ?? true,
      time_cap_s: preview?.time_cap_s ?? 0,
      add_version: false,
      keep: false,
      ...this._given
    };
  }

  /** The title as it would be sent. */
  get title(): string {
    return this._given.title ?? this.preview?.title ?? '';
  }

  get preview(): Preview | undefined {
    return this._preview;
  }

  /** Why the last preview failed. */
  get previewError(): ApiError | undefined {
    return this._previewError;
  }

  /** Why the last attempt to send failed. */
  get error(): ApiError | undefined {
    return this._error;
  }

  get isSending(): boolean {
    return this._isSending;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The row of the table chosen; undefined for an id the table does not know. */
  get accelerator(): Accelerator | undefined {
    const wanted = this.choice.accelerator;
    return this.lab.accelerators.value?.items.find(item => item.id === wanted || item.kaggle_id === wanted);
  }

  /** Whether the title is another notebook's, so that only a version can be added to it. */
  get isTitleTaken(): boolean {
    const codes = [this._error?.code, ...(this._preview?.problems ?? []).map(problem => problem.code)];
    return this._given.add_version === true || codes.includes('title_taken');
  }

  /** Whether a run can be sent now; saving without running has fewer obstacles. */
  canSend(saveOnly: boolean): boolean {
    const hasLooked = this._preview !== undefined || this._previewError !== undefined;
    if (this._isSending || !hasLooked || this._given.title?.trim() === '') {
      return false;
    }
    const hasProblems = (this._preview?.problems.length ?? 0) > 0;
    return saveOnly || !hasProblems || this._isStale;
  }

  /** Take the first look at what would be sent. */
  async start(): Promise<void> {
    void this.lab.refreshAccelerators();
    void this.lab.refreshQuota();
    await this._look();
  }

  change(patch: Partial<IChoice>): void {
    const other = 'title' in patch ? { add_version: false } : {};
    this._given = { ...this._given, ...other, ...patch };
    this._error = undefined;
    this._isStale = true;
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this._look(), this._settleMs);
    this._emit();
  }

  /** Resolves to the run; to undefined when it was refused, and `error` says why. */
  async send(saveOnly: boolean): Promise<Job | undefined> {
    if (!this.canSend(saveOnly)) {
      return undefined;
    }
    this._error = undefined;
    this._setSending(true);
    try {
      return await this.request.send({ ...this.choice, title: this._sentTitle() }, saveOnly);
    } catch (error) {
      this._error = asApiError(error);
      return undefined;
    } finally {
      this._setSending(false);
    }
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      clearTimeout(this._timer);
      Signal.clearData(this);
    }
  }

  private async _look(): Promise<void> {
    const look = (this._lookNumber += 1);
    try {
      const preview = await this.lab.preview(await this._previewRequest());
      if (look === this._lookNumber) {
        this._preview = preview;
        this._previewError = undefined;
      }
    } catch (error) {
      if (look === this._lookNumber) {
        this._previewError = asApiError(error);
      }
    }
    if (look === this._lookNumber) {
      this._isStale = false;
      this._emit();
    }
  }

  private async _previewRequest(): Promise<SubmitRequest> {
    this._content ??= this.request.source.content().then(withoutOutputs);
    const { keep, title, ...given } = this._given;
    const sent = this._sentTitle();
    const { again } = this.request.source;
    return {
      ...given,
      ...(again ? { again } : {}),
      ...(sent ? { title: sent } : {}),
      notebook_path: this.request.source.path,
      content: await this._content
    };
  }

  /** A title left as proposed is not sent: the server's own proposal gives way to one that is taken. */
  private _sentTitle(): string {
    return this._given.title?.trim() ?? '';
  }

  private _setSending(isSending: boolean): void {
    this._isSending = isSending;
    this._emit();
  }

  private _emit(): void {
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private _given: Partial<IChoice> = {};
  private _preview: Preview | undefined;
  private _previewError: ApiError | undefined;
  private _error: ApiError | undefined;
  private _isSending = false;
  private _isStale = false;
  private _isDisposed = false;
  private _lookNumber = 0;
  private _content: Promise<Json | undefined> | undefined;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _changed = new Signal<this, void>(this);
}
