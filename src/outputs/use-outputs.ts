import * as React from 'react';
import type { IKaggleModel } from '../tokens';
import { isFinished, type Job, type Outputs } from '../wire';

/** The list of a job's output files as far as it is known. */
export interface IOutputsState {
  value?: Outputs;
  error?: unknown;
  loading: boolean;
  /** Ask again; `refresh` makes the server ask Kaggle. */
  load(refresh: boolean): void;
}

/** Fetch the list once the job has ended, and again with each piece of news about its files. */
export function useOutputs(model: IKaggleModel, job: Job | undefined): IOutputsState {
  const [state, setState] = React.useState<Omit<IOutputsState, 'load'>>({ loading: false });
  const loader = React.useRef<OutputsLoader>();
  const id = job && isFinished(job.status) ? job.id : undefined;
  React.useEffect(() => {
    if (id === undefined) {
      return undefined;
    }
    const current = new OutputsLoader(model, id, setState);
    loader.current = current;
    return () => current.close();
  }, [model, id]);
  const isMoving = job?.retrieval === 'running' || job?.retrieval === 'pending';
  // Files only come in while they are fetched; other news of the job do not change the list.
  const news = isMoving ? job?.seq : job?.retrieval;
  React.useEffect(() => loader.current?.load(false), [model, id, news]);
  return { ...state, load: refresh => loader.current?.load(refresh) };
}

type Change = (update: (old: Omit<IOutputsState, 'load'>) => Omit<IOutputsState, 'load'>) => void;

/** One request at a time; what is asked for meanwhile becomes one more. */
class OutputsLoader {
  constructor(
    private readonly _model: IKaggleModel,
    private readonly _id: string,
    private readonly _change: Change
  ) {}

  load(refresh: boolean): void {
    if (this._busy) {
      this._again = { refresh: refresh || this._again?.refresh === true };
      return;
    }
    this._busy = true;
    this._set(old => ({ ...old, loading: true }));
    this._model
      .outputs(this._id, refresh)
      .then(
        value => this._set(() => ({ value, loading: false })),
        (error: unknown) => this._set(old => ({ ...old, error, loading: false }))
      )
      .finally(() => this._next());
  }

  close(): void {
    this._closed = true;
  }

  private _next(): void {
    this._busy = false;
    const again = this._again;
    this._again = undefined;
    if (again && !this._closed) {
      this.load(again.refresh);
    }
  }

  private _set(update: Parameters<Change>[0]): void {
    if (!this._closed) {
      this._change(update);
    }
  }

  private _busy = false;
  private _closed = false;
  private _again: { refresh: boolean } | undefined;
}
