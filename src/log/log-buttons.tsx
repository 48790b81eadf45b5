import * as React from 'react';
import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ILogModel } from '../tokens';
import { plainText } from './ansi';
import type { LogDocument } from './document';

interface ISwitchesProps {
  trans: TranslationBundle;
  follow: boolean;
  wrap: boolean;
  onFollow(follow: boolean): void;
  onWrap(wrap: boolean): void;
}

/** Whether the end stays in view, and whether long lines are broken. */
export function Switches(props: ISwitchesProps): React.ReactElement {
  const { trans, follow, wrap, onFollow, onWrap } = props;
  return (
    <>
      <Toggle
        pressed={follow}
        label={trans.__('Follow')}
        caption={trans.__('Keep the end of the log in view')}
        onToggle={onFollow}
      />
      <Toggle
        pressed={wrap}
        label={trans.__('Wrap')}
        caption={trans.__('Break long lines at the edge')}
        onToggle={onWrap}
      />
    </>
  );
}

function Toggle(props: {
  pressed: boolean;
  label: string;
  caption: string;
  onToggle(pressed: boolean): void;
}): React.ReactElement {
  return (
    <button
      type="button"
      className="jp-KaggleLab-button jp-KaggleLab-toggle"
      aria-pressed={props.pressed}
      title={props.caption}
      onClick={() => props.onToggle(!props.pressed)}
    >
      {props.label}
    </button>
  );
}

interface ICopyButtonProps {
  trans: TranslationBundle;
  log: ILogModel;
  document: LogDocument;
}

/** Copies the whole log as plain text; what is not here yet is loaded first. */
export function CopyButton({ trans, log, document }: ICopyButtonProps): React.ReactElement {
  const [copied, setCopied] = React.useState(false);
  const onCopy = async (): Promise<void> => {
    await log.loadAll();
    document.sync();
    await copyText(document.text(plainText));
    setCopied(true);
  };
  return (
    <button
      type="button"
      className="jp-KaggleLab-button"
      title={trans.__('Copy the whole log as text')}
      onClick={() => void onCopy()}
      onBlur={() => setCopied(false)}
    >
      {copied ? trans.__('Copied') : trans.__('Copy')}
    </button>
  );
}

/** Browsers offer the clipboard only to pages from https or this machine; JupyterLab knows an older way. */
async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    Clipboard.copyToSystem(text);
  }
}
