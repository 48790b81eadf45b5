/**
 * What the plugins of this package share. Little is loaded when the page starts: the desk, which holds the
 * model and all that works with it, comes when it is first needed.
 */
import { Token } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDesk } from './desk';
import type { INotebookSource } from './notebook-source';
import { DEFAULT_SETTINGS, type ISettings } from './settings';
import type { IActions } from './tokens';

export const PLUGIN_ID = 'kaggle-lab:plugin';

/** The id of the events that say that something changed on the server. */
export const CHANGE_SCHEMA_ID = 'https://schema.kaggle-lab.dev/events/change/v1';

/** The rooms of JupyterLab that Kaggle Lab needs, whatever shell they are in. */
export interface ILabHosts {
  readonly trans: TranslationBundle;
  readonly actions: IActions;
  /** Load the desk's code and set it up. */
  loadDesk(lab: ILab): Promise<IDesk>;
  /** A contents path without its drive's name. */
  localPath(path: string): string;
  /** The notebook in front; undefined when something else is. */
  currentNotebook(): INotebookSource | undefined;
  /** A notebook as it is open, else its file. */
  notebookAt(path: string): INotebookSource;
}

export interface ILab extends Omit<ILabHosts, 'loadDesk'> {
  readonly settings: ISettings;
  readonly settingsChanged: ISignal<ILab, void>;
  /** Undefined until it is loaded. */
  readonly desk: IDesk | undefined;
  readonly deskLoaded: ISignal<ILab, IDesk>;
  /** Rejects when the code cannot be fetched; the next call tries again. */
  load(): Promise<IDesk>;
}

export const ILab = new Token<ILab>('kaggle-lab:ILab', 'What the plugins of Kaggle Lab share.');

export class Lab implements ILab {
  constructor(private readonly _hosts: ILabHosts) {
    this.trans = _hosts.trans;
    this.actions = _hosts.actions;
  }

  readonly trans: TranslationBundle;
  readonly actions: IActions;

  get settings(): ISettings {
    return this._settings;
  }

  set settings(settings: ISettings) {
    this._settings = settings;
    this._settingsChanged.emit();
  }

  get settingsChanged(): ISignal<ILab, void> {
    return this._settingsChanged;
  }

  get desk(): IDesk | undefined {
    return this._desk;
  }

  get deskLoaded(): ISignal<ILab, IDesk> {
    return this._deskLoaded;
  }

  load(): Promise<IDesk> {
    this._loading ??= this._load();
    return this._loading;
  }

  localPath(path: string): string {
    return this._hosts.localPath(path);
  }

  currentNotebook(): INotebookSource | undefined {
    return this._hosts.currentNotebook();
  }

  notebookAt(path: string): INotebookSource {
    return this._hosts.notebookAt(path);
  }

  private async _load(): Promise<IDesk> {
    try {
      this._desk = await this._hosts.loadDesk(this);
    } catch (error) {
      this._loading = undefined;
      throw error;
    }
    this._deskLoaded.emit(this._desk);
    return this._desk;
  }

  private _settings = DEFAULT_SETTINGS;
  private _desk: IDesk | undefined;
  private _loading: Promise<IDesk> | undefined;
  private readonly _settingsChanged = new Signal<ILab, void>(this);
  private readonly _deskLoaded = new Signal<ILab, IDesk>(this);
}
