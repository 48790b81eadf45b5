/**
 * What Kaggle Lab's other plugins stand on. It loads the desk when something happens or runs are live.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { Event, ServerConnection } from '@jupyterlab/services';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { createActions } from '../actions';
import { CHANGE_SCHEMA_ID, ILab, Lab, PLUGIN_ID } from '../lab';
import { createMemory, type IMemory } from '../memory';
import { fileSource, panelSource } from '../notebook-source';
import { isAnythingLive } from '../pulse';
import { readSettings } from '../settings';
import { IKaggleLab } from '../tokens';

export const corePlugin: JupyterFrontEndPlugin<ILab> = {
  id: PLUGIN_ID,
  description: 'Runs notebooks on Kaggle: the model, its news and its settings.',
  autoStart: true,
  provides: ILab,
  optional: [ITranslator, ISettingRegistry, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    registry: ISettingRegistry | null,
    notebooks: INotebookTracker | null
  ): ILab => {
    const memory = createMemory('kaggle-lab:unfinished');
    const lab = createLab(app, translator ?? nullTranslator, notebooks, memory);
    followEvents(app.serviceManager.events.stream, lab);
    if (registry) {
      void followSettings(registry, lab);
    }
    void app.restored.then(() => loadWhenLive(lab, app.serviceManager.serverSettings, memory));
    return lab;
  }
};

export const servicePlugin: JupyterFrontEndPlugin<IKaggleLab> = {
  id: 'kaggle-lab:service',
  description: 'Offers the model of Kaggle Lab to other extensions.',
  requires: [ILab],
  provides: IKaggleLab,
  activate: (_: JupyterFrontEnd, lab: ILab): IKaggleLab => ({
    actions: lab.actions,
    load: async () => (await lab.load()).model
  })
};

function createLab(
  app: JupyterFrontEnd,
  translator: ITranslator,
  notebooks: INotebookTracker | null,
  memory: IMemory
): Lab {
  const { commands, serviceManager, shell } = app;
  const localPath = (path: string) => serviceManager.contents.localPath(path);
  const source = (panel: NotebookPanel) => panelSource(panel, localPath);
  return new Lab({
    trans: translator.load('kaggle_lab'),
    actions: createActions(commands, error => Notification.error(String(error))),
    loadDesk: async lab => {
      const { createDesk } = await import('../desk');
      return createDesk({ lab, memory, serverSettings: serviceManager.serverSettings });
    },
    localPath,
    currentNotebook: () => {
      const panel = notebooks?.currentWidget;
      return panel && panel === shell.currentWidget ? source(panel) : undefined;
    },
    notebookAt: path => {
      const panel = notebooks?.find(open => localPath(open.context.path) === path);
      return panel ? source(panel) : fileSource(path);
    }
  });
}

/** Jupyter's event bus carries everybody's events; ours are small and say only that something changed. */
function followEvents(stream: Event.Stream, lab: Lab): void {
  stream.connect((_, event) => {
    if (event.schema_id === CHANGE_SCHEMA_ID) {
      lab.load().then(
        desk => desk.takeEvent(event),
        () => undefined
      );
    }
  });
}

/** With nothing live and nothing to tell, nothing more is loaded. */
async function loadWhenLive(lab: Lab, settings: ServerConnection.ISettings, memory: IMemory): Promise<void> {
  // A restored layout with a view of ours has loaded it already.
  const isLoaded = lab.desk !== undefined;
  if (isLoaded || memory.load().length > 0 || (await isAnythingLive(settings))) {
    await lab.load().catch(() => undefined);
  }
}

async function followSettings(registry: ISettingRegistry, lab: Lab): Promise<void> {
  const loaded = await registry.load(PLUGIN_ID);
  const apply = () => {
    const next = readSettings(loaded.composite);
    if (next.desktopNotifications && !lab.settings.desktopNotifications) {
      askForDesktop();
    }
    lab.settings = next;
  };
  loaded.changed.connect(apply);
  apply();
}

function askForDesktop(): void {
  if ('Notification' in window && window.Notification.permission === 'default') {
    void window.Notification.requestPermission();
  }
}
