/**
 * The status bar's item, once there is something to show in it.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import type { IDisposable } from '@lumino/disposable';
import { ILab } from '../lab';

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kaggle-lab:status',
  description: 'Runs and GPU hours in the status bar.',
  autoStart: true,
  requires: [ILab],
  optional: [IStatusBar],
  activate: (_: JupyterFrontEnd, lab: ILab, statusBar: IStatusBar | null) => {
    if (!statusBar) {
      return;
    }
    let shown: IDisposable | undefined;
    const apply = () => {
      const isWanted = lab.settings.showStatusBar && lab.desk !== undefined;
      if (!isWanted) {
        shown?.dispose();
        shown = undefined;
      }
      if (isWanted) {
        shown ??= addItem(lab, statusBar);
      }
    };
    lab.settingsChanged.connect(apply);
    lab.deskLoaded.connect(apply);
  }
};

function addItem(lab: ILab, statusBar: IStatusBar): IDisposable | undefined {
  const item = lab.desk?.createStatusItem();
  return (
    item &&
    statusBar.registerStatusItem('kaggle-lab:status', {
      item,
      align: 'left',
      rank: 50,
      priority: 1,
      isActive: () => item.isActive(),
      activeStateChanged: item.activeStateChanged
    })
  );
}
