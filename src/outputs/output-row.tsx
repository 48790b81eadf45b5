import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  caretDownIcon,
  caretRightIcon,
  checkIcon,
  downloadIcon,
  fileIcon,
  folderIcon
} from '@jupyterlab/ui-components';
import { formatBytes } from '../format';
import type { IActions } from '../tokens';
import type { OutputFile } from '../wire';
import { isHere, type ITreeRow } from './tree';

/** Height of a row in pixels; the style sheet says the same. */
export const OUTPUT_ROW_HEIGHT = 26;

interface IOutputRowProps {
  id: string;
  trans: TranslationBundle;
  actions: IActions;
  row: ITreeRow;
  open: boolean;
  active: boolean;
  selected: boolean;
  onPoint(): void;
  /** Open or close a folder, open a file that is here, get one that is not. */
  onActivate(): void;
  onSelect(): void;
}

/** A folder or a file of the tree. Its buttons are in the tab order only while it is the active row. */
export function OutputRow(props: IOutputRowProps): React.ReactElement {
  const { id, trans, row, open, active, selected } = props;
  return (
    <div
      id={id}
      className={`jp-KaggleLab-outputRow${active ? ' jp-mod-active' : ''}`}
      role="treeitem"
      aria-level={row.level}
      aria-expanded={row.folder ? open : undefined}
      aria-selected={selected}
      style={{ paddingLeft: `${(row.level - 1) * 16}px` }}
      title={row.path}
      onClick={props.onPoint}
      onDoubleClick={row.file && isHere(row.file) ? undefined : props.onActivate}
    >
      <input
        type="checkbox"
        tabIndex={-1}
        checked={selected}
        aria-label={trans.__('Choose %1', row.name)}
        onChange={props.onSelect}
      />
      {row.folder ? <FolderName {...props} /> : <FileName {...props} />}
    </div>
  );
}

function FolderName({ trans, row, open, onActivate }: IOutputRowProps): React.ReactElement {
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <>
      <span className="jp-KaggleLab-fold" onClick={onActivate}>
        <Caret.react tag="span" className="jp-KaggleLab-icon" />
        <folderIcon.react tag="span" className="jp-KaggleLab-icon" />
      </span>
      <span className="jp-KaggleLab-fileName">{row.name}</span>
      <span className="jp-KaggleLab-muted">
        {trans._n('%1 file, %2', '%1 files, %2', row.folder!.count, formatBytes(trans, row.folder!.size))}
      </span>
    </>
  );
}

function FileName(props: IOutputRowProps): React.ReactElement {
  const { trans, row } = props;
  const file = row.file!;
  const Icon = isHere(file) ? checkIcon : fileIcon;
  const { text, tone } = fileMark(trans, file);
  return (
    <>
      <Icon.react
        tag="span"
        className={`jp-KaggleLab-icon${isHere(file) ? ' jp-mod-good' : ''}`}
        title={isHere(file) ? trans.__('in the workspace') : undefined}
      />
      {isHere(file) ? (
        <button
          type="button"
          className="jp-KaggleLab-link jp-KaggleLab-fileName"
          tabIndex={props.active ? 0 : -1}
          aria-label={trans.__('Open %1', row.name)}
          onClick={props.onActivate}
        >
          {row.name}
        </button>
      ) : (
        <span className="jp-KaggleLab-fileName">{row.name}</span>
      )}
      <span className={tone} title={file.message}>
        {text}
      </span>
      <FileButton {...props} file={file} />
    </>
  );
}

/** How far a file has come, or its size when there is nothing more to say. */
function fileMark(trans: TranslationBundle, file: OutputFile): { text: string; tone: string } {
  switch (file.state) {
    case 'receiving': {
      const percent = file.size ? Math.min(100, Math.floor((100 * file.received) / file.size)) : undefined;
      const text = percent === undefined ? formatBytes(trans, file.received) : trans.__('%1 %', percent);
      return { text, tone: 'jp-mod-live' };
    }
    case 'refused':
      return { text: trans.__('refused'), tone: 'jp-mod-bad' };
    case 'failed':
      return { text: trans.__('failed'), tone: 'jp-mod-bad' };
    default: {
      const text = file.size === null ? trans.__('size unknown') : formatBytes(trans, file.size);
      return { text, tone: 'jp-KaggleLab-muted' };
    }
  }
}

/** Gets a file that is not here, downloads one that is to the user's own computer. */
function FileButton(props: IOutputRowProps & { file: OutputFile }): React.ReactElement {
  const { trans, actions, active, file, row, onActivate } = props;
  const tabIndex = active ? 0 : -1;
  if (!isHere(file)) {
    return (
      <button
        type="button"
        className="jp-KaggleLab-button"
        tabIndex={tabIndex}
        disabled={file.state === 'receiving' || file.state === 'refused'}
        aria-label={trans.__('Get %1', row.name)}
        onClick={onActivate}
      >
        {trans.__('Get')}
      </button>
    );
  }
  return (
    <button
      type="button"
      className="jp-KaggleLab-iconButton"
      tabIndex={tabIndex}
      title={trans.__('Download to this computer')}
      aria-label={trans.__('Download %1 to this computer', row.name)}
      onClick={() => actions.downloadFile(file.path)}
    >
      <downloadIcon.react tag="span" />
    </button>
  );
}
