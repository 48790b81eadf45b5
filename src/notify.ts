/**
 * Telling the user what became of a run, also when it ended while nobody looked.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { describeError, formatDuration, parseTime } from './format';
import type { IMemory } from './memory';
import type { ISettings, NotifyAbout } from './settings';
import type { IActions, IKaggleModel } from './tokens';
import { isFinished, type ApiError, type Job } from './wire';

export type Tone = 'success' | 'info' | 'warning' | 'error';

/** One button of a notification. */
export interface INoteAction {
  readonly label: string;
  callback(): void;
}

/** One notification, before it takes JupyterLab's or the browser's form. */
export interface INote {
  readonly tone: Tone;
  readonly message: string;
  readonly actions: readonly INoteAction[];
  /** In milliseconds; false: stays until closed. */
  readonly autoClose: number | false;
}

export interface INotifierOptions {
  readonly model: IKaggleModel;
  readonly actions: IActions;
  readonly trans: TranslationBundle;
  settings(): ISettings;
  /** Whether a refusal of this run is told by whoever asked for it. */
  isOwn(clientToken: string): boolean;
  show(note: INote): void;
  /** Show with the browser's own means. */
  showOnDesktop(title: string, body: string): void;
  isHidden(): boolean;
  /** Remembers the unfinished runs between visits. */
  readonly memory: IMemory;
}

const TOAST_MS = 6000;
const LONG_TOAST_MS = 20_000;
const TEXT_LIMIT = 140;

export class Notifier {
  constructor(private readonly _options: INotifierOptions) {
    _options.memory.load().forEach(id => this._watched.add(id));
    _options.model.jobsChanged.connect(this._onJobs, this);
  }

  /** A run was sent. */
  submitted(job: Job): void {
    if (this._wants('submitted')) {
      const actions = [this._action(this._options.trans.__('Show runs'), a => a.showSidebar())];
      this._show({ tone: 'info', message: this._sentText(job), actions, autoClose: TOAST_MS });
    }
  }

  /** Something the user asked for failed. */
  failed(error: unknown, actions: readonly INoteAction[] = []): void {
    const { cause, remedy } = describeError(this._options.trans, error);
    const message = shorten(sentences(cause, remedy));
    this._options.show({ tone: 'error', message, actions, autoClose: false });
  }

  private _onJobs(model: IKaggleModel, ids: readonly string[]): void {
    const before = this._watched.size;
    let isNews = false;
    if (model.isReady && !this._hasChecked) {
      this._hasChecked = true;
      void this._forgetRemoved([...this._watched].filter(id => !model.job(id)));
    }
    for (const id of ids) {
      isNews = this._look(id, model.job(id)) || isNews;
    }
    if (isNews || before !== this._watched.size) {
      this._options.memory.save([...this._watched]);
    }
  }

  /** Runs that were watched in an earlier visit may have been taken out of the list since. */
  private async _forgetRemoved(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      try {
        await this._options.model.fetchJob(id);
      } catch (error) {
        if ((error as Partial<ApiError>).code === 'no_such_job') {
          this._watched.delete(id);
          this._options.memory.save([...this._watched]);
        }
      }
    }
  }

  /** Returns whether the list of watched runs changed. */
  private _look(id: string, job: Job | undefined): boolean {
    if (!job) {
      return this._watched.delete(id);
    }
    if (!isOver(job)) {
      const isNew = !this._watched.has(id);
      this._watched.add(id);
      return isNew;
    }
    if (!this._watched.delete(id)) {
      return false;
    }
    this._ended(job);
    return true;
  }

  private _ended(job: Job): void {
    if (job.status === 'rejected' && this._options.isOwn(job.client_token)) {
      return;
    }
    const note = this._endNote(job);
    if (this._wants(note.tone === 'error' || note.tone === 'warning' ? 'failed' : 'ended')) {
      this._show(note);
    }
  }

  private _endNote(job: Job): INote {
    const { trans } = this._options;
    const openLog = this._action(trans.__('Open log'), a => a.openLog(job.id));
    const openOutputs = this._action(trans.__('Open outputs'), a => a.openOutputs(job.id));
    const message = this._endText(job);
    switch (job.status) {
      case 'complete':
        return {
          tone: job.retrieval === 'failed' || job.retrieval === 'partial' ? 'warning' : 'success',
          message,
          actions: [job.retrieval === 'none' ? this._getFiles(job) : openOutputs, openLog],
          autoClose: LONG_TOAST_MS
        };
      case 'error':
        return { tone: 'error', message, actions: [openLog, openOutputs], autoClose: false };
      case 'rejected':
        return { tone: 'error', message, actions: [], autoClose: false };
      case 'cancelled': {
        const tone = job.reason === 'time_limit' ? 'warning' : 'info';
        return { tone, message, actions: [openOutputs, openLog], autoClose: TOAST_MS };
      }
      default:
        return { tone: 'info', message, actions: [], autoClose: TOAST_MS };
    }
  }

  private _sentText(job: Job): string {
    const { trans } = this._options;
    if (job.save_only) {
      return trans.__('%1 was saved on Kaggle without running.', job.title);
    }
    if (job.status === 'waiting') {
      return trans.__(
        '%1 waits: %2 It is sent by itself as long as the Jupyter server runs.',
        job.title,
        job.message || trans.__('no session is free.')
      );
    }
    return job.endpoint.kind === 'emulator'
      ? trans.__('%1 runs on the emulator. You can close this tab.', job.title)
      : trans.__('%1 is on Kaggle. It runs there: you can close this tab, or the computer.', job.title);
  }

  private _endText(job: Job): string {
    const { trans } = this._options;
    const name = job.version === null ? job.title : trans.__('%1, version %2', job.title, job.version);
    switch (job.status) {
      case 'complete':
        return [this._completeText(name, job), job.retrieval_message].filter(Boolean).join(' ');
      case 'error':
        return trans.__('%1 failed. %2', name, sentences(job.message, job.remedy));
      case 'rejected':
        return trans.__('%1 was not accepted. %2', name, sentences(job.message, job.remedy));
      case 'saved':
        return trans.__('%1 was saved.', name);
      default:
        return job.message ? trans.__('%1: %2', name, job.message) : trans.__('%1 was stopped.', name);
    }
  }

  private _completeText(name: string, job: Job): string {
    const { trans } = this._options;
    const [start, end] = [parseTime(job.started_at ?? job.submitted_at), parseTime(job.ended_at)];
    return start !== undefined && end !== undefined
      ? trans.__('%1 is complete after %2.', name, formatDuration(trans, (end - start) / 1000))
      : trans.__('%1 is complete.', name);
  }

  private _wants(what: 'submitted' | 'ended' | 'failed'): boolean {
    const wanted: Record<NotifyAbout, readonly string[]> = {
      all: ['submitted', 'ended', 'failed'],
      ended: ['ended', 'failed'],
      failed: ['failed'],
      none: []
    };
    return wanted[this._options.settings().notifyAbout].includes(what);
  }

  private _show(note: INote): void {
    const { settings, isHidden, show, showOnDesktop, trans } = this._options;
    const message = shorten(note.message.trim());
    show({ ...note, message });
    if (settings().desktopNotifications && isHidden()) {
      showOnDesktop(trans.__('Kaggle Lab'), message);
    }
  }

  /** For files that do not come by themselves. */
  private _getFiles(job: Job): INoteAction {
    const { model, actions, trans } = this._options;
    const callback = (): void => {
      actions.openOutputs(job.id);
      model.retrieve(job.id).catch((error: unknown) => this.failed(error));
    };
    return { label: trans.__('Get output files'), callback };
  }

  private _action(label: string, act: (actions: IActions) => void): INoteAction {
    return { label, callback: () => act(this._options.actions) };
  }

  private readonly _watched = new Set<string>();
  private _hasChecked = false;
}

/** A run is over when it ended and its files, if they come by themselves, have come. */
function isOver(job: Job): boolean {
  return isFinished(job.status) && job.retrieval !== 'pending' && job.retrieval !== 'running';
}

/** Texts one after the other, each ended by a stop. */
function sentences(...texts: string[]): string {
  const given = texts.map(text => text.trim()).filter(Boolean);
  return given.map(text => (/[.!?…。]$/.test(text) ? text : `${text}.`)).join(' ');
}

/** JupyterLab cuts at 140 characters in mid-word; this cuts at a word. */
function shorten(text: string): string {
  if (text.length <= TEXT_LIMIT) {
    return text;
  }
  const cut = text.slice(0, TEXT_LIMIT - 1);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), TEXT_LIMIT / 2))}…`;
}

/** Why a submission failed, with a way back to its options. */
export function offerOptions(trans: TranslationBundle, error: ApiError, open: () => void): INoteAction[] {
  const isOutside = error.status === 0 || error.code === 'server_missing' || error.code === 'forbidden';
  return isOutside ? [] : [{ label: trans.__('Options…'), callback: open }];
}
