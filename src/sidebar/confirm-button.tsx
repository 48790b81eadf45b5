import * as React from 'react';

interface IConfirmButtonProps {
  label: string;
  /** The question that takes the button's place. */
  question: string;
  /** What the confirming button says. */
  confirm: string;
  /** What the button says that changes nothing. */
  keep: string;
  disabled?: boolean;
  onConfirm(): void;
  children?: React.ReactNode;
}

/** A button that asks in its own place before it acts; Escape takes the question back. */
export function ConfirmButton(props: IConfirmButtonProps): React.ReactElement {
  const [asking, setAsking] = React.useState(false);
  const trigger = React.useRef<HTMLButtonElement>(null);
  const refocus = React.useRef(false);
  React.useEffect(() => {
    if (!asking && refocus.current) {
      refocus.current = false;
      trigger.current?.focus();
    }
  }, [asking]);
  const close = (): void => {
    refocus.current = true;
    setAsking(false);
  };
  if (!asking) {
    return (
      <button
        type="button"
        ref={trigger}
        className="jp-KaggleLab-button"
        disabled={props.disabled}
        onClick={() => setAsking(true)}
      >
        {props.children}
        {props.label}
      </button>
    );
  }
  return (
    <Question
      {...props}
      onCancel={close}
      onConfirm={() => {
        close();
        props.onConfirm();
      }}
    />
  );
}

function Question(props: IConfirmButtonProps & { onCancel(): void }): React.ReactElement {
  const { question, confirm, keep, onConfirm, onCancel } = props;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      onCancel();
    }
  };
  return (
    <span className="jp-KaggleLab-question" role="group" aria-label={question} onKeyDown={onKeyDown}>
      <span>{question}</span>
      <button
        type="button"
        autoFocus
        className="jp-KaggleLab-button jp-mod-strong"
        disabled={props.disabled}
        onClick={onConfirm}
      >
        {confirm}
      </button>
      <button type="button" className="jp-KaggleLab-button" onClick={onCancel}>
        {keep}
      </button>
    </span>
  );
}
