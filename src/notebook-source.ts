/**
 * A notebook that can be submitted: an open one as it is on the screen, or a file.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { PartialJSONObject } from '@lumino/coreutils';
import type { Job, Json } from './wire';

/** Where a submission takes its notebook from. */
export interface INotebookSource {
  /** In the workspace, without a drive's name. */
  readonly path: string;
  /** The run whose source, as it was sent, is sent again instead. */
  readonly again?: string;
  /** The notebook as it is on the screen; undefined when the server should read the file. */
  content(): Promise<Json | undefined>;
  /** Change `metadata.kaggle` of the open notebook; a file has none that could be changed. */
  keep?(change: (before: unknown) => PartialJSONObject): void;
}

/** The notebook of a panel, unsaved edits included; its file is not touched. */
export function panelSource(panel: NotebookPanel, localPath: (path: string) => string): INotebookSource {
  return {
    get path() {
      return localPath(panel.context.path);
    },
    async content() {
      await panel.context.ready;
      return panel.context.model.toJSON() as unknown as Json;
    },
    keep(change) {
      const { sharedModel } = panel.context.model;
      sharedModel.setMetadata('kaggle', change(sharedModel.getMetadata('kaggle')));
    }
  };
}

/** A notebook file that is not open. */
export function fileSource(path: string): INotebookSource {
  return { path, content: () => Promise.resolve(undefined) };
}

/** What a run sent, to be sent again as it was. */
export function snapshotSource(job: Job): INotebookSource {
  return { ...fileSource(job.notebook_path), again: job.id };
}
