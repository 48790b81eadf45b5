/**
 * The sidebar, the logs and the outputs: where they stand, and how they come back after a reload.
 */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { Widget } from '@lumino/widgets';
import { kaggleLabIcon } from '../icons';
import { ILab } from '../lab';
import { LazyPanel } from '../lazy-panel';
import { CommandIDs, type IKaggleModel } from '../tokens';
import type { Problem } from '../wire';
import { ID_ARGS, addToPalette } from '../commands';

const SIDEBAR_ID = 'kaggle-lab-sidebar';

export const viewsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kaggle-lab:views',
  description: 'The sidebar, the logs and the output files of runs on Kaggle.',
  autoStart: true,
  requires: [ILab],
  optional: [ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    lab: ILab,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ) => {
    addSidebar(app, lab, restorer);
    addJobView(app, lab, restorer, logView(lab));
    addJobView(app, lab, restorer, outputsView(lab));
    addToPalette(palette, lab.trans, [
      CommandIDs.showSidebar,
      CommandIDs.toggleSidebar,
      CommandIDs.openLog,
      CommandIDs.openOutputs
    ]);
  }
};

function addSidebar(app: JupyterFrontEnd, lab: ILab, restorer: ILayoutRestorer | null): void {
  const { trans } = lab;
  const sidebar = new LazyPanel(async () => (await lab.load()).createSidebar(), trans);
  sidebar.id = SIDEBAR_ID;
  sidebar.title.icon = kaggleLabIcon;
  sidebar.title.caption = trans.__('Kaggle Lab: runs on Kaggle');
  app.shell.add(sidebar, 'left', { rank: 550, type: 'Kaggle Lab' });
  restorer?.add(sidebar, SIDEBAR_ID);
  addSidebarCommands(app, lab, sidebar);
}

function addSidebarCommands(app: JupyterFrontEnd, lab: ILab, sidebar: Widget): void {
  const { commands, shell } = app;
  const { trans } = lab;
  commands.addCommand(CommandIDs.showSidebar, {
    label: trans.__('Show Kaggle Sidebar'),
    caption: trans.__('Account, quota and runs on Kaggle'),
    icon: kaggleLabIcon,
    execute: () => shell.activateById(SIDEBAR_ID),
    describedBy: { args: null }
  });
  commands.addCommand(CommandIDs.toggleSidebar, {
    label: trans.__('Kaggle Sidebar'),
    isToggleable: true,
    isToggled: () => sidebar.isVisible,
    execute: () => {
      if (sidebar.isVisible) {
        collapseLeft(shell);
      } else {
        shell.activateById(SIDEBAR_ID);
      }
      commands.notifyCommandChanged(CommandIDs.toggleSidebar);
    },
    describedBy: { args: null }
  });
}

/** JupyterLab's and Notebook's shells both can, each with a method of its own type. */
function collapseLeft(shell: JupyterFrontEnd.IShell): void {
  const panels = shell as Partial<Record<'collapseLeft', () => void>>;
  panels.collapseLeft?.();
}

/** A kind of view of one run. */
interface IJobView {
  readonly command: string;
  readonly namespace: string;
  readonly label: string;
  readonly caption: string;
  title(name: string): string;
  load(id: string): Promise<Widget>;
}

function logView(lab: ILab): IJobView {
  const { trans } = lab;
  return {
    command: CommandIDs.openLog,
    namespace: 'kaggle-lab-log',
    label: trans.__('Open Log of a Kaggle Run…'),
    caption: trans.__('Follow what the run prints'),
    title: name => trans.__('Log: %1', name),
    load: async jobId => (await lab.load()).createLog(jobId)
  };
}

function outputsView(lab: ILab): IJobView {
  const { trans } = lab;
  return {
    command: CommandIDs.openOutputs,
    namespace: 'kaggle-lab-outputs',
    label: trans.__('Open Outputs of a Kaggle Run…'),
    caption: trans.__('The files the run left'),
    title: name => trans.__('Outputs: %1', name),
    load: async jobId => (await lab.load()).createOutputs(jobId)
  };
}

function addJobView(app: JupyterFrontEnd, lab: ILab, restorer: ILayoutRestorer | null, view: IJobView): void {
  const { commands, shell } = app;
  const tracker = new WidgetTracker<MainAreaWidget<LazyPanel>>({ namespace: view.namespace });
  const jobIds = new WeakMap<Widget, string>();
  commands.addCommand(view.command, {
    label: view.label,
    caption: view.caption,
    icon: kaggleLabIcon,
    isEnabled: args => Boolean(args.id) || lab.desk?.acts.suitsAny(view.command) !== false,
    execute: async args => {
      const id = typeof args.id === 'string' ? args.id : await pickId(lab, view.command);
      if (!id) {
        return;
      }
      const known = tracker.find(open => jobIds.get(open) === id);
      const widget = known ?? createJobWidget(lab, view, id);
      if (!known) {
        jobIds.set(widget, id);
        shell.add(widget, 'down');
        void tracker.add(widget);
      }
      shell.activateById(widget.id);
    },
    describedBy: { args: ID_ARGS }
  });
  void restorer?.restore(tracker, {
    command: view.command,
    args: widget => ({ id: jobIds.get(widget) ?? '' }),
    name: widget => jobIds.get(widget) ?? ''
  });
}

async function pickId(lab: ILab, command: string): Promise<string | undefined> {
  return (await (await lab.load()).acts.job(command, undefined))?.id;
}

function createJobWidget(lab: ILab, view: IJobView, id: string): MainAreaWidget<LazyPanel> {
  const content = new LazyPanel(() => view.load(id), lab.trans);
  const widget = new MainAreaWidget({ content });
  widget.id = `${view.namespace}-${id}`;
  widget.title.icon = kaggleLabIcon;
  widget.title.closable = true;
  widget.title.label = view.title(id.slice(0, 8));
  widget.toolbar.hide();
  content.addClass('jp-KaggleLab-jobView');
  void lab.load().then(
    ({ model }) => followJob(widget, view, model, id),
    () => undefined
  );
  return widget;
}

/** Name the tab after the run as soon as the run is known; close it when the run is taken out of the list. */
export function followJob(
  widget: Widget,
  view: Pick<IJobView, 'title'>,
  model: IKaggleModel,
  id: string
): void {
  const apply = () => {
    const job = model.job(id);
    if (job) {
      widget.title.label = view.title(job.version === null ? job.title : `${job.title} v${job.version}`);
    }
  };
  const onChanged = (_: IKaggleModel, ids: readonly string[]) => {
    apply();
    if (ids.includes(id) && !model.job(id)) {
      widget.dispose();
    }
  };
  model.jobsChanged.connect(onChanged);
  widget.disposed.connect(() => model.jobsChanged.disconnect(onChanged));
  apply();
  if (!model.job(id)) {
    // A layout restored after a reload may come before the list of jobs, or show one that is not in it.
    model.fetchJob(id).catch((error: unknown) => {
      if ((error as Partial<Problem>).code === 'no_such_job') {
        widget.dispose();
      }
    });
  }
}
