/**
 * What commands do on a run, an accelerator or the account. Failures are shown, not thrown.
 */
import { InputDialog } from '@jupyterlab/apputils';
import type { ILab } from './lab';
import { snapshotSource, type INotebookSource } from './notebook-source';
import type { Notifier } from './notify';
import { statusWord } from './sidebar/status';
import type { SubmitFlow } from './submit-flow';
import { CommandIDs, type IKaggleModel } from './tokens';
import { isFinished, type Job } from './wire';

const PICK_LIMIT = 50;

/** The commands on a run, and which runs each suits. */
const SUITS: Readonly<Record<string, (job: Job) => boolean>> = {
  [CommandIDs.stop]: job => !isFinished(job.status) && job.status !== 'cancel_requested',
  [CommandIDs.runAgain]: job => isFinished(job.status),
  [CommandIDs.retrieve]: job => ['complete', 'error', 'cancelled'].includes(job.status),
  [CommandIDs.openOnKaggle]: job => job.url !== '',
  [CommandIDs.remove]: job => isFinished(job.status),
  [CommandIDs.openLog]: job => job.status !== 'rejected' && job.status !== 'saved',
  [CommandIDs.openOutputs]: job => isFinished(job.status) && job.status !== 'rejected'
};

export class RunActs {
  constructor(
    private readonly _lab: ILab,
    private readonly _model: IKaggleModel,
    private readonly _flow: SubmitFlow,
    private readonly _notifier: Notifier
  ) {}

  /** Whether there is a run the command can work on. */
  suitsAny(command: string): boolean {
    return this._model.jobs.some(SUITS[command]);
  }

  /** The run with this id; without one the only run that suits the command, else the one the user picks. */
  async job(command: string, id: unknown): Promise<Job | undefined> {
    if (typeof id === 'string') {
      const known = this._model.job(id);
      return known ?? (await this.told(this._model.fetchJob(id)))?.job;
    }
    await this._model.start();
    const jobs = this._model.jobs.filter(SUITS[command]).slice(0, PICK_LIMIT);
    const isGrave = command === CommandIDs.stop || command === CommandIDs.remove;
    return jobs.length === 0 || (jobs.length === 1 && !isGrave) ? jobs[0] : this._pick(command, jobs);
  }

  /** Carry out a command on a run. */
  async onJob(command: string, job: Job): Promise<void> {
    switch (command) {
      case CommandIDs.stop:
        return this.told(this._model.stop(job.id));
      case CommandIDs.remove:
        return this.told(this._model.remove(job.id));
      case CommandIDs.retrieve:
        return this.told(this._model.retrieve(job.id));
      case CommandIDs.openOnKaggle:
        window.open(job.url, '_blank', 'noopener');
        return;
      case CommandIDs.runAgain:
        await this._flow.run(this._sourceOf(job), { like: job });
    }
  }

  /** The notebook as it is now, which may have been mended; what was sent, where that is another thing. */
  private _sourceOf(job: Job): INotebookSource {
    const isWhole = job.root === '' && !job.partial;
    return isWhole ? this._lab.notebookAt(job.notebook_path) : snapshotSource(job);
  }

  /** Carry out a command on the account. */
  async onAccount(command: string): Promise<void> {
    switch (command) {
      case CommandIDs.signIn:
        return this._lab.actions.showSidebar();
      case CommandIDs.signOut:
        return this.told(this._model.signOut());
      case CommandIDs.useEmulator:
        return this.told(this._model.useEmulator());
      case CommandIDs.useKaggle:
        return this.told(this._model.useKaggle());
    }
  }

  /** Whether a command on the account makes sense at present. */
  suitsAccount(command: string): boolean {
    const account = this._model.account.value;
    switch (command) {
      case CommandIDs.signIn:
        return account?.state !== 'signed_in';
      case CommandIDs.signOut:
        return account?.state === 'signed_in';
      case CommandIDs.useEmulator:
        return account?.endpoint.kind !== 'emulator';
      default:
        return account?.endpoint.kind === 'emulator';
    }
  }

  async refresh(): Promise<void> {
    await Promise.all([
      this._model.refreshAccount(true),
      this._model.refreshQuota(true),
      this._model.refreshJobs()
    ]);
  }

  /** Remember an accelerator for a notebook; without an id the user is asked. */
  async chooseAccelerator(path: string, id: unknown): Promise<void> {
    const chosen = typeof id === 'string' ? id : await this._askAccelerator();
    if (chosen) {
      await this.told(this._flow.setAccelerator(path, chosen));
    }
  }

  /** Show a failure to the user; resolves to undefined then. */
  async told<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      this._notifier.failed(error);
      return undefined;
    }
  }

  private async _pick(command: string, jobs: readonly Job[]): Promise<Job | undefined> {
    const { trans } = this._lab;
    const items = jobs.map(
      (job, index) => `${index + 1}. ${job.title} v${job.version ?? '–'} (${statusWord(trans, job)})`
    );
    const verbs: Readonly<Record<string, string>> = {
      [CommandIDs.stop]: trans.__('Stop'),
      [CommandIDs.remove]: trans.__('Remove')
    };
    const okLabel = verbs[command];
    const title = okLabel ? trans.__('%1 which run?', okLabel) : trans.__('Which run?');
    const { value } = await InputDialog.getItem({ title, items, ...(okLabel ? { okLabel } : {}) });
    return jobs[items.indexOf(value ?? '')];
  }

  private async _askAccelerator(): Promise<string | undefined> {
    await this._model.refreshAccelerators();
    const items = this._model.accelerators.value?.items ?? [];
    const { value } = await InputDialog.getItem({
      title: this._lab.trans.__('Accelerator'),
      items: items.map(item => item.label)
    });
    return items.find(item => item.label === value)?.id;
  }
}
