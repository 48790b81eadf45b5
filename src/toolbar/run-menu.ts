/**
 * The menu below the button's caret: accelerators with the quota they use, and other ways to send.
 */
import { MenuSvg } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';
import type { Menu } from '@lumino/widgets';
import type { IDesk } from '../desk';
import { describeAccelerator, describeError, describeQuota } from '../format';
import type { ILab } from '../lab';
import type { INotebookSource } from '../notebook-source';
import type { Accelerator } from '../wire';

export interface IRunMenuOptions {
  readonly lab: ILab;
  readonly desk: IDesk;
  readonly source: INotebookSource;
}

/** Show the menu of a notebook below its caret. What cannot be fetched is shown as such. */
export async function showRunMenu(options: IRunMenuOptions, caret: HTMLElement): Promise<void> {
  await prepare(options);
  const { left, bottom } = caret.getBoundingClientRect();
  createRunMenu(options).open(left, bottom);
}

/** Build the menu from what is known. It disposes of itself when it closes. */
export function createRunMenu(options: IRunMenuOptions): Menu {
  const menu = new RunMenu(options);
  menu.fill();
  return menu;
}

async function prepare({ desk, source }: IRunMenuOptions): Promise<void> {
  const { model, flow } = desk;
  void model.refreshQuota();
  const profile = flow.fetchProfile(source.path).catch(() => undefined);
  await Promise.all([model.refreshAccelerators(), model.refreshAccount(), profile]);
}

class RunMenu extends MenuSvg {
  constructor(private readonly _options: IRunMenuOptions) {
    super({ commands: new CommandRegistry() });
    this.addClass('jp-KaggleLab-menu');
    _options.desk.model.quotaChanged.connect(this.update, this);
    this.aboutToClose.connect(() => {
      // After the chosen item's command has run.
      requestAnimationFrame(() => this.dispose());
    });
  }

  fill(): void {
    this._addNotes();
    this.addItem({ type: 'separator' });
    this._addAccelerators();
    this.addItem({ type: 'separator' });
    this._addSending();
  }

  /** Lines to read, not to choose. */
  private _addNotes(): void {
    const { model } = this._options.desk;
    const { trans } = this._options.lab;
    if (model.account.value?.endpoint.kind === 'emulator') {
      this._add('emulator', () => trans.__('EMULATOR: runs on this computer, not on Kaggle'));
    }
    this._add('gpu-quota', () => trans.__('GPU: %1', this._quotaText('gpu')));
    this._add('tpu-quota', () => trans.__('TPU: %1', this._quotaText('tpu')));
  }

  private _addAccelerators(): void {
    const { model } = this._options.desk;
    const { trans } = this._options.lab;
    const items = model.accelerators.value?.items ?? [];
    const usual = items.filter(item => item.availability === 'everyone' || item.availability === 'phone');
    const others = items.filter(item => !usual.includes(item));
    usual.forEach(item => this._addAccelerator(this, item));
    if (others.length) {
      const submenu = new MenuSvg({ commands: this.commands });
      submenu.title.label = trans.__('Not open to everyone, or retired');
      others.forEach(item => this._addAccelerator(submenu, item));
      this.addItem({ type: 'submenu', submenu });
    }
    if (!items.length) {
      const error = model.accelerators.error;
      this._add('no-table', () => (error ? describeError(trans, error).cause : trans.__('Looking…')));
    }
  }

  private _addAccelerator(menu: Menu, item: Accelerator): void {
    const { lab, desk, source } = this._options;
    const { flow, acts } = desk;
    const command = `accelerator:${item.id}`;
    this.commands.addCommand(command, {
      label: describeAccelerator(lab.trans, item),
      caption: [item.hardware, item.note].filter(Boolean).join('. '),
      isToggleable: true,
      isToggled: () => (flow.knownAccelerator(source.path) ?? 'none') === item.id,
      execute: () => acts.told(flow.setAccelerator(source.path, item.id)),
      describedBy: { args: null }
    });
    menu.addItem({ command });
  }

  private _addSending(): void {
    const { lab, desk, source } = this._options;
    const { flow } = desk;
    const { trans, actions } = lab;
    this._add(
      'save',
      () => trans.__('Save without running'),
      () => void flow.run(source, { saveOnly: true })
    );
    this._add(
      'options',
      () => trans.__('Options…'),
      () => void flow.run(source, { ask: true })
    );
    this._add(
      'sidebar',
      () => trans.__('Show runs'),
      () => actions.showSidebar()
    );
  }

  private _add(command: string, label: () => string, execute?: () => void): void {
    this.commands.addCommand(command, {
      label,
      className: execute ? '' : 'jp-KaggleLab-menuNote',
      isEnabled: () => execute !== undefined,
      execute: () => execute?.(),
      describedBy: { args: null }
    });
    this.addItem({ command });
  }

  private _quotaText(kind: 'gpu' | 'tpu'): string {
    const { model } = this._options.desk;
    const { trans } = this._options.lab;
    const { value, error, loading } = model.quota;
    const share = value?.[kind];
    if (share) {
      return describeQuota(trans, share, value.refreshes_at);
    }
    if (loading) {
      return trans.__('asking for the quota…');
    }
    if (model.account.value?.state === 'signed_out') {
      return trans.__('sign in to see your hours');
    }
    return error ? describeError(trans, error).cause : trans.__('quota not known');
  }
}
