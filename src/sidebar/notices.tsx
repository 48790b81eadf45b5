import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { describeError } from '../format';

interface IErrorNoteProps {
  trans: TranslationBundle;
  error: unknown;
  onRetry?(): void;
  onDismiss?(): void;
}

/** What went wrong and what to do about it, in place. Draws nothing without an error. */
export function ErrorNote(props: IErrorNoteProps): React.ReactElement | null {
  const { trans, error, onRetry, onDismiss } = props;
  if (error === undefined || error === null) {
    return null;
  }
  const { cause, remedy } = describeError(trans, error);
  return (
    <div className="jp-KaggleLab-note jp-mod-bad" role="alert">
      <p>{cause}</p>
      {remedy && <p className="jp-KaggleLab-remedy">{remedy}</p>}
      {onRetry && (
        <button type="button" className="jp-KaggleLab-button" onClick={onRetry}>
          {trans.__('Try again')}
        </button>
      )}
      {onDismiss && (
        <button type="button" className="jp-KaggleLab-button" onClick={onDismiss}>
          {trans.__('Dismiss')}
        </button>
      )}
    </div>
  );
}

/** A heading with what belongs to it. */
export function Section(props: {
  label: string;
  className?: string;
  extra?: React.ReactNode;
  children: React.ReactNode;
}): React.ReactElement {
  const id = React.useId();
  return (
    <section className={`jp-KaggleLab-section ${props.className ?? ''}`} aria-labelledby={id}>
      <div className="jp-KaggleLab-sectionHead">
        <h3 id={id}>{props.label}</h3>
        {props.extra}
      </div>
      {props.children}
    </section>
  );
}
