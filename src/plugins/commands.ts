/**
 * Registers the commands, and puts them into the palette.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { addCommands, addToPalette } from '../commands';
import { ILab } from '../lab';

export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kaggle-lab:commands',
  description: 'The commands of Kaggle Lab.',
  autoStart: true,
  requires: [ILab],
  optional: [ICommandPalette, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    lab: ILab,
    palette: ICommandPalette | null,
    files: IFileBrowserFactory | null
  ) => {
    const ids = addCommands(app.commands, lab, {
      selectedFile: () => selectedNotebook(files),
      downloadFile: path => downloadFile(app, path)
    });
    addToPalette(palette, lab.trans, ids);
    const { shell, commands } = app;
    shell.currentChanged?.connect(() => commands.notifyCommandChanged());
  }
};

function selectedNotebook(files: IFileBrowserFactory | null): string | undefined {
  for (const item of files?.tracker.currentWidget?.selectedItems() ?? []) {
    if (item.type === 'notebook') {
      return item.path;
    }
  }
  return undefined;
}

async function downloadFile(app: JupyterFrontEnd, path: string): Promise<void> {
  const link = document.createElement('a');
  link.href = await app.serviceManager.contents.getDownloadUrl(path);
  link.download = path.slice(path.lastIndexOf('/') + 1);
  document.body.appendChild(link);
  link.click();
  link.remove();
}
