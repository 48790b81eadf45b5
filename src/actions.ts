/**
 * What views can ask for, carried out by commands, so that everything can also be done from the palette.
 */
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { CommandIDs, type IActions } from './tokens';

export function createActions(commands: CommandRegistry, onError: (error: unknown) => void): IActions {
  const execute = (command: string, args: ReadonlyPartialJSONObject = {}): void => {
    commands.execute(command, args).catch(onError);
  };
  return {
    openLog: id => execute(CommandIDs.openLog, { id }),
    openOutputs: id => execute(CommandIDs.openOutputs, { id }),
    openFile: path => execute('docmanager:open', { path }),
    downloadFile: path => execute(CommandIDs.downloadFile, { path }),
    revealFolder: path => execute('filebrowser:go-to-path', { path }),
    openOnKaggle: job => execute(CommandIDs.openOnKaggle, { id: job.id }),
    runAgain: id => execute(CommandIDs.runAgain, { id }),
    stop: id => execute(CommandIDs.stop, { id }),
    remove: id => execute(CommandIDs.remove, { id }),
    submitCurrent: () => execute(CommandIDs.run),
    showSidebar: () => execute(CommandIDs.showSidebar)
  };
}
