/**
 * The commands: their names, when they can be used, and who carries them out.
 */
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { kaggleLabIcon } from './icons';
import type { ILab } from './lab';
import { CommandIDs } from './tokens';

/** Arguments of a command on a run; without an id the user is asked which one. */
export const ID_ARGS = textArgument('id', 'The id of the run');
const PATH_ARGS = textArgument('path', 'A path in the workspace');
const ACCELERATOR_ARGS = textArgument('accelerator', 'An id of the accelerator table, e.g. t4x2');

function textArgument(name: string, description: string): ReadonlyJSONObject {
  return { type: 'object', properties: { [name]: { type: 'string', description } } };
}

/** The places the commands reach into that are not Kaggle Lab's own. */
export interface ICommandHosts {
  /** The path of the notebook selected in the file browser. */
  selectedFile(): string | undefined;
  downloadFile(path: string): Promise<void>;
}

/** Put commands into the palette. */
export function addToPalette(
  palette: ICommandPalette | null,
  trans: TranslationBundle,
  commands: readonly string[]
): void {
  commands.forEach(command => palette?.addItem({ command, category: trans.__('Kaggle') }));
}

/** Add all commands; returns those meant for the palette. */
export function addCommands(registry: CommandRegistry, lab: ILab, hosts: ICommandHosts): string[] {
  const ids = [
    ...addNotebookCommands(registry, lab),
    ...addJobCommands(registry, lab),
    ...addAccountCommands(registry, lab)
  ];
  addFileCommands(registry, lab, hosts);
  lab.deskLoaded.connect((_, { model }) => {
    const renew = () => ids.forEach(id => registry.notifyCommandChanged(id));
    model.jobsChanged.connect(renew);
    model.accountChanged.connect(renew);
  });
  return ids;
}

function addNotebookCommands(registry: CommandRegistry, lab: ILab): string[] {
  const { trans } = lab;
  const isEnabled = () => lab.currentNotebook() !== undefined;
  const add = (id: string, label: string, caption: string, how: { ask?: boolean; saveOnly?: boolean }) =>
    registry.addCommand(id, {
      label,
      caption,
      icon: kaggleLabIcon,
      isEnabled,
      execute: async () => {
        const source = lab.currentNotebook();
        const { flow, notifier } = await lab.load();
        if (source) {
          await flow.run(source, how);
        } else {
          notifier.failed(new Error(trans.__('No notebook is in front. Open one first.')));
        }
      },
      describedBy: { args: null }
    });
  add(
    CommandIDs.run,
    trans.__('Run Notebook on Kaggle GPU'),
    trans.__('Send the notebook in front as it is on screen, with the settings remembered for it'),
    {}
  );
  add(
    CommandIDs.options,
    trans.__('Run Notebook on Kaggle with Options…'),
    trans.__('Choose title, accelerator, internet, privacy and time limit first'),
    { ask: true }
  );
  add(
    CommandIDs.save,
    trans.__('Save Notebook on Kaggle without Running'),
    trans.__('Add a version on Kaggle; nothing runs and no quota is used'),
    { saveOnly: true }
  );
  registry.addCommand(CommandIDs.setAccelerator, {
    label: trans.__('Choose the Kaggle Accelerator of the Notebook…'),
    caption: trans.__('Remembered for the next runs of the notebook in front'),
    icon: kaggleLabIcon,
    isEnabled,
    execute: async args => {
      const source = lab.currentNotebook();
      await (source && (await lab.load()).acts.chooseAccelerator(source.path, args.accelerator));
    },
    describedBy: { args: ACCELERATOR_ARGS }
  });
  return [CommandIDs.run, CommandIDs.options, CommandIDs.save, CommandIDs.setAccelerator];
}

function addFileCommands(registry: CommandRegistry, lab: ILab, hosts: ICommandHosts): void {
  const { trans } = lab;
  registry.addCommand(CommandIDs.runFile, {
    label: trans.__('Run on Kaggle GPU'),
    caption: trans.__('Run this notebook on Kaggle, as it is on screen if it is open'),
    icon: kaggleLabIcon,
    isEnabled: args => Boolean(args.path) || hosts.selectedFile() !== undefined,
    execute: async args => {
      const path = typeof args.path === 'string' ? args.path : hosts.selectedFile();
      await (path && (await lab.load()).flow.run(lab.notebookAt(lab.localPath(path))));
    },
    describedBy: { args: PATH_ARGS }
  });
  registry.addCommand(CommandIDs.downloadFile, {
    label: trans.__('Download an Output File'),
    isEnabled: args => Boolean(args.path),
    execute: args => hosts.downloadFile(String(args.path)),
    describedBy: { args: PATH_ARGS }
  });
}

function addJobCommands(registry: CommandRegistry, lab: ILab): string[] {
  const { trans } = lab;
  const add = (id: string, label: string, short: string) =>
    registry.addCommand(id, {
      label: args => (args.id ? short : label),
      icon: kaggleLabIcon,
      isEnabled: args => Boolean(args.id) || lab.desk?.acts.suitsAny(id) !== false,
      execute: async args => {
        const { acts } = await lab.load();
        const job = await acts.job(id, args.id);
        await (job && acts.onJob(id, job));
      },
      describedBy: { args: ID_ARGS }
    });
  add(CommandIDs.stop, trans.__('Stop a Kaggle Run…'), trans.__('Stop'));
  add(CommandIDs.runAgain, trans.__('Run Again on Kaggle…'), trans.__('Run again'));
  add(CommandIDs.retrieve, trans.__('Retrieve Outputs of a Kaggle Run…'), trans.__('Retrieve outputs'));
  add(CommandIDs.openOnKaggle, trans.__('Open a Run on Kaggle…'), trans.__('Open on Kaggle'));
  add(CommandIDs.remove, trans.__('Remove a Kaggle Run from the List…'), trans.__('Remove from the list'));
  return [
    CommandIDs.stop,
    CommandIDs.runAgain,
    CommandIDs.retrieve,
    CommandIDs.openOnKaggle,
    CommandIDs.remove
  ];
}

function addAccountCommands(registry: CommandRegistry, lab: ILab): string[] {
  const { trans } = lab;
  const add = (id: string, label: string) =>
    registry.addCommand(id, {
      label,
      icon: kaggleLabIcon,
      isEnabled: () => lab.desk?.acts.suitsAccount(id) !== false,
      execute: async () => (await lab.load()).acts.onAccount(id),
      describedBy: { args: null }
    });
  add(CommandIDs.signIn, trans.__('Sign In to Kaggle…'));
  add(CommandIDs.signOut, trans.__('Sign Out of Kaggle'));
  add(CommandIDs.useEmulator, trans.__('Use the Kaggle Emulator on This Computer'));
  add(CommandIDs.useKaggle, trans.__('Use Kaggle Instead of the Emulator'));
  registry.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Kaggle Runs and Quota'),
    icon: kaggleLabIcon,
    execute: async () => (await lab.load()).acts.refresh(),
    describedBy: { args: null }
  });
  return [
    CommandIDs.signIn,
    CommandIDs.signOut,
    CommandIDs.useEmulator,
    CommandIDs.useKaggle,
    CommandIDs.refresh
  ];
}
