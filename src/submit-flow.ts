/**
 * From the click to the run: who is signed in, ask or not, send once, say what happened.
 */
import { UUID } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';
import { kaggleMetadata } from './notebook-content';
import type { INotebookSource } from './notebook-source';
import type { IKaggleModel } from './tokens';
import { ApiError, type Job, type Profile, type SubmitRequest } from './wire';

/** What the user chose for a run. */
export interface IChoice {
  /** Empty: the title the server proposes, which gives way when it is taken. */
  readonly title: string;
  readonly accelerator: string;
  readonly internet: boolean;
  readonly private: boolean;
  /** In seconds; 0: as long as Kaggle allows. */
  readonly time_cap_s: number;
  /** Add a version to a kernel of this title that Kaggle Lab does not know. */
  readonly add_version: boolean;
  /** Write the choice into the notebook's own metadata. */
  readonly keep: boolean;
}

/** What the confirm sheet is given. */
export interface ISheetRequest {
  readonly source: INotebookSource;
  /** Chosen beforehand, from the button's menu; it goes before what the notebook itself says. */
  readonly accelerator?: string;
  /** The run whose settings are proposed. */
  readonly like?: Job;
  /** Why the sheet comes up again. */
  readonly error?: ApiError;
  readonly saveOnly: boolean;
  /** Send; the sheet stays open when it rejects. */
  send(choice: IChoice, saveOnly: boolean): Promise<Job>;
}

/** How a run was asked for. */
export interface IHow {
  readonly saveOnly?: boolean;
  /** Show the sheet whatever is remembered. */
  readonly ask?: boolean;
  /** With the settings of an earlier run, without asking. */
  readonly like?: Job;
}

export interface ISubmitFlowOptions {
  readonly model: IKaggleModel;
  /** Resolves to the run, or null when the user changed their mind. */
  openSheet(request: ISheetRequest): Promise<Job | null>;
  /** Whether to ask before every run. */
  asksAlways(): boolean;
  onSignedOut(): void;
  onSubmitted(job: Job): void;
  onError(error: ApiError, source: INotebookSource): void;
}

/** Refusals that another choice in the sheet can mend. */
const MENDED_IN_SHEET: ReadonlySet<string> = new Set(['title_taken', 'bad_title', 'unknown_accelerator']);

export class SubmitFlow {
  constructor(private readonly _options: ISubmitFlowOptions) {}

  /** Carries the path of the notebook whose state changed. */
  get changed(): ISignal<this, string> {
    return this._changed;
  }

  /** Whether a notebook is being sent, or its sheet is open. */
  isBusy(path: string): boolean {
    return this._running.has(path);
  }

  /** Whether a notebook's run is on its way to the server this moment. */
  isSending(path: string): boolean {
    return this._sending.has(path);
  }

  /** Whether a run was asked for by this page, which then tells its refusal itself. */
  isOwn(clientToken: string): boolean {
    return this._tokens.has(clientToken);
  }

  /** One run per notebook at a time: a second click joins the first. Never rejects. */
  run(source: INotebookSource, how: IHow = {}): Promise<Job | null> {
    const { path } = source;
    const known = this._running.get(path);
    if (known) {
      return known;
    }
    const running = this._guarded(source, how).finally(() => {
      this._running.delete(path);
      this._changed.emit(path);
    });
    this._running.set(path, running);
    this._changed.emit(path);
    return running;
  }

  /** Fetch how a notebook is run. Rejects with ApiError. */
  async fetchProfile(path: string): Promise<Profile> {
    return this._keepProfile(path, await this._options.model.profile(path));
  }

  /** The accelerator the next run of a notebook will ask for, as far as known here. */
  knownAccelerator(path: string): string | undefined {
    return this._accelerators.get(path);
  }

  /** Remember another accelerator for a notebook. Rejects with ApiError. */
  async setAccelerator(path: string, accelerator: string): Promise<void> {
    const { model } = this._options;
    const profile = await model.profile(path);
    this._chosen.set(path, accelerator);
    this._keepProfile(path, await model.saveProfile({ ...profile, accelerator }));
  }

  private async _guarded(source: INotebookSource, how: IHow): Promise<Job | null> {
    try {
      const job = (await this._adoptLost(source.path)) ?? (await this._run(source, how));
      if (job) {
        this._options.onSubmitted(job);
      }
      return job;
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this._options.onError(error, source);
      return null;
    }
  }

  private async _run(source: INotebookSource, how: IHow): Promise<Job | null> {
    if (!(await this._isSignedIn())) {
      this._options.onSignedOut();
      return null;
    }
    if (await this._mustAsk(source, how)) {
      return this._ask(source, how);
    }
    try {
      return how.like
        ? await this._send(source, settingsOf(how.like), how.like)
        : await this._send(source, { save_only: how.saveOnly ?? false });
    } catch (error) {
      if (error instanceof ApiError && MENDED_IN_SHEET.has(error.code)) {
        return this._ask(source, how, error);
      }
      throw error;
    }
  }

  private async _mustAsk(source: INotebookSource, how: IHow): Promise<boolean> {
    if (how.ask || this._options.asksAlways()) {
      return true;
    }
    return !how.like && !(await this.fetchProfile(source.path)).confirmed;
  }

  private _ask(source: INotebookSource, how: IHow, error?: ApiError): Promise<Job | null> {
    return this._options.openSheet({
      source,
      error,
      accelerator: this._chosen.get(source.path),
      like: how.like,
      saveOnly: how.saveOnly ?? how.like?.save_only ?? false,
      send: (choice, saveOnly) => this._sendChoice(source, choice, saveOnly, how.like)
    });
  }

  private async _sendChoice(
    source: INotebookSource,
    choice: IChoice,
    saveOnly: boolean,
    like?: Job
  ): Promise<Job> {
    const { keep, title, ...fields } = choice;
    if (keep) {
      this._keepInNotebook(source, choice);
    }
    const named = title ? { title } : {};
    const job = await this._send(source, { ...fields, ...named, save_only: saveOnly }, like);
    this._chosen.delete(source.path);
    return job;
  }

  private _keepInNotebook(source: INotebookSource, choice: IChoice): void {
    const items = this._options.model.accelerators.value?.items ?? [];
    const accelerator = items.find(item => item.id === choice.accelerator);
    const kept = { accelerator, kaggleId: choice.accelerator, internet: choice.internet };
    source.keep?.(before => kaggleMetadata(before, kept));
  }

  /** Send, unless the run that was sent before, and whose answer was lost, is there after all. */
  private async _send(source: INotebookSource, choice: Partial<SubmitRequest>, like?: Job): Promise<Job> {
    const lost = await this._adoptLost(source.path);
    return lost ?? this._sendAnew(source, choice, like);
  }

  private async _sendAnew(source: INotebookSource, choice: Partial<SubmitRequest>, like?: Job): Promise<Job> {
    const token = UUID.uuid4();
    this._tokens.add(token);
    this._mark(source.path, true);
    try {
      const content = await source.content();
      const job = await this._options.model.submit({
        ...choice,
        ...(source.again ? { again: source.again } : {}),
        notebook_path: source.path,
        content,
        client_token: token,
        remember: !like
      });
      if (!like) {
        this._accelerators.set(source.path, job.accelerator);
      }
      return job;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'server_unreachable') {
        this._lost.set(source.path, token);
      }
      throw error;
    } finally {
      this._mark(source.path, false);
    }
  }

  /** The answer to the last click was lost: if the server has that run, it is the one asked for. */
  private async _adoptLost(path: string): Promise<Job | undefined> {
    const token = this._lost.get(path);
    if (!token) {
      return undefined;
    }
    const { model } = this._options;
    await model.refreshJobs();
    if (model.jobsError) {
      throw model.jobsError;
    }
    this._lost.delete(path);
    return model.jobs.find(job => job.client_token === token);
  }

  /** Kaggle being out of reach is not being signed out; the server tells on submitting. */
  private async _isSignedIn(): Promise<boolean> {
    const { model } = this._options;
    if (model.account.value?.state !== 'signed_in') {
      await model.refreshAccount();
    }
    const { value, error } = model.account;
    if (error) {
      throw error;
    }
    return value?.state !== 'signed_out';
  }

  private _mark(path: string, isSending: boolean): void {
    if (isSending) {
      this._sending.add(path);
    } else {
      this._sending.delete(path);
    }
    this._changed.emit(path);
  }

  private _keepProfile(path: string, profile: Profile): Profile {
    this._accelerators.set(path, this._chosen.get(path) ?? profile.accelerator);
    this._changed.emit(path);
    return profile;
  }

  private readonly _running = new Map<string, Promise<Job | null>>();
  private readonly _sending = new Set<string>();
  private readonly _tokens = new Set<string>();
  private readonly _lost = new Map<string, string>();
  private readonly _chosen = new Map<string, string>();
  private readonly _accelerators = new Map<string, string>();
  private readonly _changed = new Signal<this, string>(this);
}

/** What a run was sent with, to be sent again. */
export function settingsOf(job: Job): Partial<SubmitRequest> {
  const { accelerator, title, internet, save_only } = job;
  return { accelerator, title, internet, private: job.private, time_cap_s: job.time_cap_s ?? 0, save_only };
}
