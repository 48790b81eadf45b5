import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { plainText } from '../log/ansi';
import { afterReturn } from '../log/rows';
import { troubleText } from '../log/log-state';
import type { IActions, IKaggleModel } from '../tokens';
import type { Job } from '../wire';
import { Elapsed } from './elapsed';
import { useNow } from './hooks';
import { OpenOnKaggle, StopButton, type IJobProps } from './job-actions';
import { acceleratorLabel, isOtherMachine, machineText } from './machine';
import { Section } from './notices';
import { EmulatorBadge, StatusMark, statusSentence } from './status';

interface IRunningProps {
  model: IKaggleModel;
  trans: TranslationBundle;
  actions: IActions;
  jobs: readonly Job[];
  /** The run to put the focus on, as after coming back from its page. */
  focusId?: string;
  onOpen(id: string): void;
}

/** Kaggle runs only a few sessions at once; the rest of a long queue is counted, not drawn. */
const MAX_CARDS = 30;

/** The runs that have not ended, each with what is known of it now. */
export function Running(props: IRunningProps): React.ReactElement | null {
  const { trans, jobs, ...rest } = props;
  if (jobs.length === 0) {
    return null;
  }
  const hidden = jobs.length - MAX_CARDS;
  return (
    <Section label={trans.__('Running')} className="jp-KaggleLab-running">
      <ul className="jp-KaggleLab-cards">
        {jobs.slice(0, MAX_CARDS).map(job => (
          <RunningCard key={job.id} trans={trans} job={job} {...rest} />
        ))}
      </ul>
      {hidden > 0 && <p className="jp-KaggleLab-muted">{trans._n('and %1 more', 'and %1 more', hidden)}</p>}
    </Section>
  );
}

function RunningCard(props: IJobProps & { focusId?: string; onOpen(id: string): void }): React.ReactElement {
  const { trans, actions, job, focusId, onOpen } = props;
  const link = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => {
    if (focusId === job.id) {
      link.current?.focus();
    }
    // Only on coming back, not whenever something changes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <li className="jp-KaggleLab-card" data-job-id={job.id}>
      <div className="jp-KaggleLab-cardHead">
        <button type="button" ref={link} className="jp-KaggleLab-link" onClick={() => onOpen(job.id)}>
          {job.title || job.notebook_path}
        </button>
        {job.version !== null && <span className="jp-KaggleLab-muted">{trans.__('v%1', job.version)}</span>}
        {job.endpoint.kind === 'emulator' && <EmulatorBadge trans={trans} />}
      </div>
      <div className="jp-KaggleLab-line">
        <StatusMark trans={trans} job={job} />
        <Elapsed trans={trans} job={job} />
      </div>
      <Machine {...props} />
      <JobProgress trans={trans} job={job} />
      <Trouble trans={trans} job={job} />
      <LastLine trans={trans} job={job} />
      <div className="jp-KaggleLab-actions">
        <button type="button" className="jp-KaggleLab-button" onClick={() => actions.openLog(job.id)}>
          {trans.__('Log')}
        </button>
        <StopButton {...props} />
        <OpenOnKaggle {...props} />
      </div>
    </li>
  );
}

/** The accelerator asked for, and the machine the session says it has. */
export function Machine({ model, trans, job }: IJobProps): React.ReactElement {
  const table = model.accelerators.value;
  return (
    <div className="jp-KaggleLab-line jp-KaggleLab-muted">
      <span>{acceleratorLabel(job, table)}</span>
      {job.hardware && (
        <Got trans={trans} job={job} text={machineText(job, table)} isOther={isOtherMachine(job, table)} />
      )}
    </div>
  );
}

function Got(props: {
  trans: TranslationBundle;
  job: Job;
  text: string;
  isOther: boolean;
}): React.ReactElement {
  const { trans, job, text, isOther } = props;
  if (!isOther) {
    return <span>{trans.__('got %1', text)}</span>;
  }
  // The emulator never has Kaggle's machines: worth saying, not worth alarming.
  return job.endpoint.kind === 'emulator' ? (
    <span>{trans.__('emulated on this computer: %1', text)}</span>
  ) : (
    <strong className="jp-mod-bad">{trans.__('⚠ got %1, not what was asked for', text)}</strong>
  );
}

/** Cell n of m, as a bar too. */
export function JobProgress(props: { trans: TranslationBundle; job: Job }): React.ReactElement | null {
  const { trans, job } = props;
  if (!job.progress || job.progress.cells <= 0) {
    return null;
  }
  const { cell, cells } = job.progress;
  const text = trans.__('cell %1 of %2', cell, cells);
  const done = job.progress.done ? cells : Math.max(0, cell - 1);
  return (
    <div className="jp-KaggleLab-line">
      <span
        className="jp-KaggleLab-bar"
        role="progressbar"
        aria-label={trans.__('Progress')}
        aria-valuemin={0}
        aria-valuemax={cells}
        aria-valuenow={done}
        aria-valuetext={text}
      >
        <span style={{ width: `${Math.min(100, (100 * done) / cells)}%` }} />
      </span>
      <span className="jp-KaggleLab-muted" aria-hidden="true">
        {text}
      </span>
    </div>
  );
}

/** Why nothing new is heard, or what the run waits for. */
export function Trouble(props: { trans: TranslationBundle; job: Job }): React.ReactElement | null {
  const { trans, job } = props;
  const now = useNow(30_000, job.trouble !== '');
  const text = job.trouble ? troubleText(trans, job, now) : job.message || statusSentence(trans, job);
  return text ? <p className="jp-KaggleLab-note jp-mod-waiting">{text}</p> : null;
}

function LastLine(props: { trans: TranslationBundle; job: Job }): React.ReactElement | null {
  const text = plainText(afterReturn(props.job.last_line.trimEnd()));
  return text ? (
    <p className="jp-KaggleLab-lastLine" title={text} aria-label={props.trans.__('Last log line')}>
      {text}
    </p>
  ) : null;
}
