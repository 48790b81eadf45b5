/**
 * The desk: the model and what works with it. Loaded when there is something to show or to do.
 */
import { Notification } from '@jupyterlab/apputils';
import type { ServerConnection } from '@jupyterlab/services';
import type { Widget } from '@lumino/widgets';
import { KaggleLabClient } from './client';
import type { ILab } from './lab';
import type { IMemory } from './memory';
import { KaggleModel } from './model';
import type { INotebookSource } from './notebook-source';
import { Notifier, offerOptions, type INote } from './notify';
import { RunActs } from './run-acts';
import { StatusItem } from './status/status-item';
import { addStyles } from './styles';
import { SubmitFlow } from './submit-flow';
import type { SidebarWidget } from './sidebar';
import type { IActions, IKaggleModel } from './tokens';
import { readChange } from './wire';

export interface IDesk {
  readonly model: IKaggleModel;
  readonly flow: SubmitFlow;
  readonly notifier: Notifier;
  readonly acts: RunActs;
  /** Take one event of the server; anything else than a change is ignored. */
  takeEvent(event: unknown): void;
  createStatusItem(): StatusItem;
  /** Show a notebook's menu below its caret. */
  openMenu(source: INotebookSource, caret: HTMLElement): Promise<void>;
  /** Views are loaded through the desk, so that what both use is loaded once. */
  createSidebar(): Promise<Widget>;
  createLog(jobId: string): Promise<Widget>;
  createOutputs(jobId: string): Promise<Widget>;
}

export interface IDeskOptions {
  readonly lab: ILab;
  readonly serverSettings: ServerConnection.ISettings;
  readonly memory: IMemory;
}

/** Set up the desk and start following the runs. */
export function createDesk({ lab, serverSettings, memory }: IDeskOptions): IDesk {
  const { trans } = lab;
  let sidebar: SidebarWidget | undefined;
  const showRuns = (): void => {
    sidebar?.showJob('');
    lab.actions.showSidebar();
  };
  const actions: IActions = { ...lab.actions, showSidebar: showRuns };
  const model = new KaggleModel(new KaggleLabClient(serverSettings));
  const flow: SubmitFlow = new SubmitFlow({
    model,
    openSheet: async request => (await import('./dialogs')).openSubmitSheet(model, request, trans),
    asksAlways: () => lab.settings.confirmEachRun,
    onSignedOut: () => actions.showSidebar(),
    onSubmitted: job => notifier.submitted(job),
    onError: (error, source) => {
      const again = () => void flow.run(source, { ask: true });
      notifier.failed(error, offerOptions(trans, error, again));
    }
  });
  const notifier: Notifier = new Notifier({
    model,
    actions,
    trans,
    settings: () => lab.settings,
    isOwn: token => flow.isOwn(token),
    show: showNote,
    showOnDesktop,
    isHidden: () => document.hidden,
    memory
  });
  addStyles();
  followWindow(model);
  void model.start();
  const desk: IDesk = {
    model,
    flow,
    notifier,
    acts: new RunActs(lab, model, flow, notifier),
    takeEvent: event => model.handleChange(readChange(event)),
    createStatusItem: () => new StatusItem(model, trans, () => actions.showSidebar()),
    openMenu: async (source, caret) =>
      (await import('./toolbar/run-menu')).showRunMenu({ lab, desk, source }, caret),
    createSidebar: async () => {
      sidebar = (await import('./sidebar')).createSidebar({ model, trans, actions });
      return sidebar;
    },
    createLog: async jobId => {
      const follow = lab.settings.followLog;
      return (await import('./log')).createLogView({ model, trans, jobId, actions, follow });
    },
    createOutputs: async jobId =>
      (await import('./outputs')).createOutputsView({ model, trans, jobId, actions })
  };
  return desk;
}

/** Catch up when the page is seen again or the network is back: events may have been missed. */
function followWindow(model: KaggleModel): void {
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      void model.wake();
    }
  });
  window.addEventListener('online', () => void model.wake());
}

function showNote(note: INote): void {
  Notification.emit(note.message, note.tone, {
    autoClose: note.autoClose,
    actions: note.actions.map(({ label, callback }) => ({ label, callback: () => callback() }))
  });
}

function showOnDesktop(title: string, body: string): void {
  if ('Notification' in window && window.Notification.permission === 'granted') {
    const note = new window.Notification(title, { body, tag: body });
    note.onclick = () => window.focus();
  }
}
