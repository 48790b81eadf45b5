/**
 * The button on every notebook's toolbar. Where it stands is in `schema/plugin.json`.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ILab } from '../lab';
import { RunButton } from '../toolbar/run-button';

export const toolbarPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kaggle-lab:toolbar',
  description: 'The “Run on Kaggle GPU” button on the notebook toolbar.',
  autoStart: true,
  requires: [ILab, IToolbarWidgetRegistry],
  activate: (_: JupyterFrontEnd, lab: ILab, toolbars: IToolbarWidgetRegistry) => {
    toolbars.addFactory<NotebookPanel>('Notebook', 'kaggleLabRun', panel => new RunButton(panel, lab));
  }
};
