import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { formatBytes } from '../format';
import { useSignal, usePending, type IPending } from '../sidebar/hooks';
import { ErrorNote } from '../sidebar/notices';
import type { IActions, IKaggleModel } from '../tokens';
import { isFinished, type Job, type OutputFile, type Outputs } from '../wire';
import { rowForKey, uniformRows, VirtualList, type IVirtualListHandle } from '../virtual-list';
import { OutputRow, OUTPUT_ROW_HEIGHT } from './output-row';
import { buildTree, fileNames, isHere, treeRows, type ITreeRow } from './tree';
import { useOutputs, type IOutputsState } from './use-outputs';

export interface IOutputsTreeProps {
  model: IKaggleModel;
  trans: TranslationBundle;
  actions: IActions;
  jobId: string;
}

/** The output files of a job: what there is, what is in the workspace, and the rest to be got. */
export function OutputsTree(props: IOutputsTreeProps): React.ReactElement {
  const { model, trans, jobId } = props;
  useSignal(model.jobsChanged, ids => ids.includes(jobId));
  const job = model.job(jobId);
  const outputs = useOutputs(model, job);
  if (!job || !isFinished(job.status)) {
    return (
      <p className="jp-KaggleLab-muted">{trans.__('Kaggle lists the files of a run when it has ended.')}</p>
    );
  }
  return (
    <div className="jp-KaggleLab-outputs">
      {outputs.value && outputs.value.files.length > 0 ? (
        <Files {...props} job={job} outputs={outputs.value} load={outputs.load} />
      ) : (
        <NoFiles {...props} outputs={outputs} />
      )}
      <ErrorNote trans={trans} error={outputs.error} onRetry={() => outputs.load(true)} />
    </div>
  );
}

function NoFiles(props: IOutputsTreeProps & { outputs: IOutputsState }): React.ReactElement | null {
  const { trans, outputs } = props;
  const { value, loading, error, load } = outputs;
  if (!value) {
    return loading && !error ? (
      <p className="jp-KaggleLab-muted" role="status">
        {trans.__('Asking for the list…')}
      </p>
    ) : null;
  }
  return (
    <div className="jp-KaggleLab-empty">
      <p>
        {value.message ||
          trans.__('The run left no files. What a notebook writes to /kaggle/working is kept.')}
      </p>
      <button type="button" className="jp-KaggleLab-button" disabled={loading} onClick={() => load(true)}>
        {trans.__('Look again')}
      </button>
    </div>
  );
}

interface IFilesProps extends IOutputsTreeProps {
  job: Job;
  outputs: Outputs;
  load(refresh: boolean): void;
}

function Files(props: IFilesProps): React.ReactElement {
  const { model, trans, job, outputs } = props;
  const [selected, setSelected] = React.useState<ReadonlySet<string>>(new Set());
  const pending = usePending();
  const get = (names?: readonly string[]): void => {
    void pending.run(() => model.retrieve(job.id, names));
  };
  return (
    <>
      <Summary trans={trans} job={job} outputs={outputs} />
      <Buttons {...props} selected={selected} pending={pending} onGet={get} />
      <ErrorNote trans={trans} error={pending.error} onDismiss={pending.clear} />
      <Tree {...props} selected={selected} onSelect={setSelected} onGet={get} />
      <Remarks trans={trans} files={outputs.files} />
    </>
  );
}

const MAX_REMARKS = 20;

/** What went wrong with single files, or differs from what was asked for. */
function Remarks(props: {
  trans: TranslationBundle;
  files: readonly OutputFile[];
}): React.ReactElement | null {
  const { trans, files } = props;
  const told = files.filter(file => file.message);
  const more = told.length - MAX_REMARKS;
  return told.length === 0 ? null : (
    <ul className="jp-KaggleLab-note jp-mod-waiting" aria-label={trans.__('Remarks on files')}>
      {told.slice(0, MAX_REMARKS).map(file => (
        <li key={file.name}>{trans.__('%1: %2', file.name, file.message)}</li>
      ))}
      {more > 0 && <li>{trans._n('and %1 more', 'and %1 more', more)}</li>}
    </ul>
  );
}

interface ISummaryProps {
  trans: TranslationBundle;
  job: Job;
  outputs: Outputs;
}

/** How many files, how large, and how far they have come. */
function Summary({ trans, job, outputs }: ISummaryProps): React.ReactElement {
  const { files } = outputs;
  const total = files.reduce((sum, file) => sum + (file.size ?? 0), 0);
  const received = files.reduce((sum, file) => sum + receivedBytes(file), 0);
  const isMoving = job.retrieval === 'running' || job.retrieval === 'pending';
  return (
    <>
      <p role="status">
        {trans._n('%1 file, %2.', '%1 files, %2.', files.length, formatBytes(trans, total))}{' '}
        {retrievalText(trans, job, outputs)}
      </p>
      {isMoving && total > 0 && (
        <span
          className="jp-KaggleLab-bar"
          role="progressbar"
          aria-label={trans.__('Files received')}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.floor((100 * received) / total)}
        >
          <span style={{ width: `${(100 * received) / total}%` }} />
        </span>
      )}
    </>
  );
}

function receivedBytes(file: OutputFile): number {
  return isHere(file) ? (file.size ?? 0) : Math.min(file.received, file.size ?? file.received);
}

function retrievalText(trans: TranslationBundle, job: Job, outputs: Outputs): string {
  const here = outputs.files.filter(isHere).length;
  const message = outputs.message || job.retrieval_message;
  // The list's own word: the job may be ahead of the list by one request.
  switch (outputs.retrieval) {
    case 'pending':
      return trans.__('They will be fetched shortly.');
    case 'running':
      return trans.__('Fetching: %1 of %2 are here.', here, outputs.files.length);
    case 'complete':
      return trans.__('All are in %1.', outputs.folder || job.output_dir);
    case 'partial':
      return trans.__('%1 are in %2. %3', here, outputs.folder || job.output_dir, message);
    case 'failed':
      return trans.__('Fetching them failed. %1', message);
    default:
      return here > 0
        ? trans.__('%1 are in %2.', here, outputs.folder || job.output_dir)
        : trans.__('None is in the workspace yet.');
  }
}

interface IButtonsProps extends IFilesProps {
  selected: ReadonlySet<string>;
  pending: IPending;
  onGet(names?: readonly string[]): void;
}

function Buttons(props: IButtonsProps): React.ReactElement {
  const { trans, actions, job, outputs, selected, pending, onGet, load } = props;
  const folder = outputs.folder || job.output_dir;
  const chosen = outputs.files.filter(file => selected.has(file.name));
  const missing = outputs.files.filter(file => !isHere(file));
  const isBusy = pending.busy || job.retrieval === 'running';
  const size = (files: readonly OutputFile[]): string =>
    formatBytes(
      trans,
      files.reduce((sum, file) => sum + (file.size ?? 0), 0)
    );
  return (
    <div className="jp-KaggleLab-actions">
      {chosen.length > 0 ? (
        <button
          type="button"
          className="jp-KaggleLab-button jp-mod-strong"
          disabled={isBusy}
          onClick={() => onGet(chosen.map(file => file.name))}
        >
          {trans._n('Get %1 chosen file, %2', 'Get %1 chosen files, %2', chosen.length, size(chosen))}
        </button>
      ) : (
        missing.length > 0 && (
          <button
            type="button"
            className="jp-KaggleLab-button jp-mod-strong"
            disabled={isBusy}
            onClick={() => onGet()}
          >
            {trans.__('Get all, %1', size(missing))}
          </button>
        )
      )}
      {folder && isInWorkspace(outputs) && missing.length < outputs.files.length && (
        <button type="button" className="jp-KaggleLab-button" onClick={() => actions.revealFolder(folder)}>
          {trans.__('Show folder')}
        </button>
      )}
      <button type="button" className="jp-KaggleLab-button" onClick={() => load(true)}>
        {trans.__('List again')}
      </button>
    </div>
  );
}

interface ITreeProps extends IFilesProps {
  selected: ReadonlySet<string>;
  onSelect(selected: ReadonlySet<string>): void;
  onGet(names: readonly string[]): void;
}

function Tree(props: ITreeProps): React.ReactElement {
  const { trans, actions, outputs, selected, onGet } = props;
  const [closed, setClosed] = React.useState<ReadonlySet<string>>(new Set());
  const [path, setPath] = React.useState('');
  const list = React.useRef<IVirtualListHandle>(null);
  const prefix = React.useId();
  const root = React.useMemo(() => buildTree(outputs.files), [outputs.files]);
  const rows = React.useMemo(() => treeRows(root, closed), [root, closed]);
  const active = Math.max(
    0,
    rows.findIndex(row => row.path === path)
  );
  const moveTo = (index: number): void => {
    setPath(rows[index].path);
    list.current?.reveal(index);
  };
  const setOpen = (row: ITreeRow, open: boolean): void => setClosed(old => toggled(old, [row.path], !open));
  const openFile = isInWorkspace(outputs) ? actions.openFile : () => undefined;
  const activate = (row: ITreeRow): void => {
    if (row.folder) {
      setOpen(row, closed.has(row.path));
    } else if (row.file && isHere(row.file)) {
      openFile(row.file.path);
    } else if (row.file && row.file.state !== 'refused') {
      onGet([row.file.name]);
    }
  };
  const select = (row: ITreeRow): void => {
    const names = fileNames(row);
    props.onSelect(toggled(selected, names, !names.every(name => selected.has(name))));
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.target !== event.currentTarget) {
      return;
    }
    const row = rows[active];
    const to =
      rowForKey(event.key, active, rows.length, list.current?.pageSize() ?? 1) ??
      sideStep(event.key, rows, active, closed, setOpen);
    if (to !== undefined) {
      moveTo(to);
    } else if (event.key === 'Enter') {
      activate(row);
    } else if (event.key === ' ') {
      select(row);
    } else {
      return;
    }
    event.preventDefault();
  };
  return (
    <VirtualList
      className="jp-KaggleLab-tree"
      role="tree"
      aria-label={trans.__('Output files')}
      aria-multiselectable={true}
      aria-activedescendant={`${prefix}${active}`}
      tabIndex={0}
      style={{ height: rows.length * OUTPUT_ROW_HEIGHT }}
      metrics={uniformRows(rows.length, OUTPUT_ROW_HEIGHT)}
      handle={list}
      onKeyDown={onKeyDown}
      renderRow={index => (
        <OutputRow
          key={rows[index].path}
          id={`${prefix}${index}`}
          trans={trans}
          actions={actions}
          row={rows[index]}
          open={!closed.has(rows[index].path)}
          active={index === active}
          selected={fileNames(rows[index]).every(name => selected.has(name))}
          onPoint={() => setPath(rows[index].path)}
          onActivate={() => activate(rows[index])}
          onSelect={() => select(rows[index])}
        />
      )}
    />
  );
}

function toggled(set: ReadonlySet<string>, items: readonly string[], on: boolean): ReadonlySet<string> {
  const next = new Set(set);
  for (const item of items) {
    if (on) {
      next.add(item);
    } else {
      next.delete(item);
    }
  }
  return next;
}

/** Right opens a folder or steps into it, Left closes it or steps out. Returns the row to stand on. */
function sideStep(
  key: string,
  rows: readonly ITreeRow[],
  at: number,
  closed: ReadonlySet<string>,
  setOpen: (row: ITreeRow, open: boolean) => void
): number | undefined {
  const row = rows[at];
  const isOpen = row.folder !== undefined && !closed.has(row.path);
  if (key === 'ArrowRight') {
    if (row.folder && !isOpen) {
      setOpen(row, true);
      return at;
    }
    return isOpen ? at + 1 : at;
  }
  if (key !== 'ArrowLeft') {
    return undefined;
  }
  if (isOpen) {
    setOpen(row, false);
    return at;
  }
  for (let above = at - 1; above >= 0; above--) {
    if (rows[above].level < row.level) {
      return above;
    }
  }
  return at;
}

/** Whether the files lie where JupyterLab can open them; a run sent from elsewhere has its own place. */
function isInWorkspace(outputs: Outputs): boolean {
  return !/^([/\\\\]|[A-Za-z]:)/.test(outputs.folder);
}
