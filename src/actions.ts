/**
 * What views can ask for, carried out by commands, so that everything can also be done from the palette.
 */
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { CommandIDs, type IActions } from './tokens';

/** What runs leave and no editor can show: models, arrays, archives. These are shown where they lie. */
const WITHOUT_VIEWER =
  /\.(joblib|pkl|pickle|pt|pth|ckpt|bin|h5|hdf5|keras|onnx|safetensors|tflite|pb|model|np[yz]|parquet|feather|zip|gz|tgz|bz2|xz|7z|tar|db|sqlite)$/i;

export function createActions(commands: CommandRegistry, onError: (error: unknown) => void): IActions {
  const execute = (command: string, args: ReadonlyPartialJSONObject = {}): void => {
    commands.execute(command, args).catch(onError);
  };
  return {
    openLog: id => execute(CommandIDs.openLog, { id }),
    openOutputs: id => execute(CommandIDs.openOutputs, { id }),
    openFile: path =>
      execute(WITHOUT_VIEWER.test(path) ? 'filebrowser:go-to-path' : 'docmanager:open', { path }),
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
