import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { caretLeftIcon } from '@jupyterlab/ui-components';
import { formatLimit } from '../format';
import { OutputsTree } from '../outputs/outputs-tree';
import type { IKaggleModel } from '../tokens';
import { isFinished, type HistoryEntry, type Job } from '../wire';
import { Elapsed } from './elapsed';
import { OpenOnKaggle, RemoveButton, StopButton, type IJobProps } from './job-actions';
import { ErrorNote, Section } from './notices';
import { JobProgress, Machine, Trouble } from './running';
import { EmulatorBadge, StatusMark, statusName } from './status';
import { when } from './when';

interface IJobDetailProps extends IJobProps {
  onBack(): void;
}

/** All that is known of one run, and what can be done with it. */
export function JobDetail(props: IJobDetailProps): React.ReactElement {
  const { trans, job, onBack } = props;
  const heading = React.useRef<HTMLHeadingElement>(null);
  React.useEffect(() => heading.current?.focus(), []);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Escape' && !event.defaultPrevented) {
      event.preventDefault();
      onBack();
    }
  };
  return (
    <article className="jp-KaggleLab-detail" data-job-id={job.id} onKeyDown={onKeyDown}>
      <button type="button" className="jp-KaggleLab-button jp-KaggleLab-back" onClick={onBack}>
        <caretLeftIcon.react tag="span" className="jp-KaggleLab-icon" aria-hidden="true" />
        {trans.__('All runs')}
      </button>
      <h3 ref={heading} tabIndex={-1} className="jp-KaggleLab-detailTitle">
        {job.title || job.notebook_path}
      </h3>
      <div className="jp-KaggleLab-line">
        <StatusMark trans={trans} job={job} />
        {job.endpoint.kind === 'emulator' && <EmulatorBadge trans={trans} />}
        <Elapsed trans={trans} job={job} />
      </div>
      <Machine {...props} />
      {!isFinished(job.status) && <JobProgress trans={trans} job={job} />}
      <Message trans={trans} job={job} />
      <Warnings trans={trans} job={job} />
      <Actions {...props} />
      {job.status !== 'rejected' && !job.save_only && (
        <Section label={trans.__('Outputs')}>
          <OutputsTree {...props} jobId={job.id} />
        </Section>
      )}
      <Facts {...props} />
      <Happenings {...props} />
    </article>
  );
}

/** Why it ended so, or waits, with the remedy. */
function Message({ trans, job }: { trans: TranslationBundle; job: Job }): React.ReactElement | null {
  if (!isFinished(job.status)) {
    return <Trouble trans={trans} job={job} />;
  }
  if (!job.message) {
    return null;
  }
  const tone = job.status === 'error' || job.status === 'rejected' ? 'bad' : 'muted';
  return (
    <div className={`jp-KaggleLab-note jp-mod-${tone}`}>
      <p>{job.message}</p>
      {job.remedy && <p className="jp-KaggleLab-remedy">{job.remedy}</p>}
    </div>
  );
}

function Warnings({ trans, job }: { trans: TranslationBundle; job: Job }): React.ReactElement | null {
  return job.warnings.length === 0 ? null : (
    <ul className="jp-KaggleLab-note jp-mod-waiting" aria-label={trans.__('Warnings')}>
      {job.warnings.map((warning, index) => (
        <li key={index}>{warning}</li>
      ))}
    </ul>
  );
}

function Actions(props: IJobDetailProps): React.ReactElement {
  const { trans, actions, job, onBack } = props;
  return (
    <div className="jp-KaggleLab-actions">
      <button type="button" className="jp-KaggleLab-button" onClick={() => actions.openLog(job.id)}>
        {trans.__('Log')}
      </button>
      <StopButton {...props} />
      {isFinished(job.status) && (
        <button type="button" className="jp-KaggleLab-button" onClick={() => actions.runAgain(job.id)}>
          {trans.__('Run again')}
        </button>
      )}
      <OpenOnKaggle {...props} />
      <RemoveButton {...props} onRemoved={onBack} />
    </div>
  );
}

function Facts({ trans, job, actions }: IJobProps): React.ReactElement {
  const yesNo = (value: boolean): string => (value ? trans.__('yes') : trans.__('no'));
  const facts: [string, React.ReactNode][] = [
    [trans.__('Notebook'), <NotebookLink key="link" job={job} onOpen={actions.openFile} />],
    [trans.__('On Kaggle'), job.ref && `${job.ref}${job.version === null ? '' : ` v${job.version}`}`],
    [trans.__('Account'), job.account],
    [trans.__('Submitted'), when(job.submitted_at)],
    [trans.__('Started'), when(job.started_at)],
    [trans.__('Ended'), when(job.ended_at)],
    [trans.__('Internet'), yesNo(job.internet)],
    [trans.__('Private'), yesNo(job.private)],
    [trans.__('Time limit'), job.time_cap_s && formatLimit(trans, job.time_cap_s)]
  ];
  return (
    <Section label={trans.__('Facts')}>
      <dl className="jp-KaggleLab-facts">
        {facts
          .filter(([, value]) => value !== null && value !== '')
          .map(([name, value]) => (
            <React.Fragment key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </React.Fragment>
          ))}
      </dl>
    </Section>
  );
}

/** The run's notebook; one of another workspace cannot be opened from here. */
function NotebookLink(props: { job: Job; onOpen(path: string): void }): React.ReactElement {
  const { notebook_path: path, root } = props.job;
  return root ? (
    <span>{`${root}/${path}`}</span>
  ) : (
    <button type="button" className="jp-KaggleLab-link" onClick={() => props.onOpen(path)}>
      {path}
    </button>
  );
}

/** The status history as the server keeps it. */
function Happenings({ model, trans, job }: IJobProps): React.ReactElement | null {
  const { entries, error } = useHistory(model, job);
  if (entries.length === 0 && !error) {
    return null;
  }
  return (
    <Section label={trans.__('What happened')}>
      <ol className="jp-KaggleLab-happenings">
        {entries.map((entry, index) => (
          <li key={index}>
            <time dateTime={entry.at ?? undefined}>{when(entry.at)}</time>
            <span>{statusName(trans, entry.status)}</span>
            {entry.note && <span className="jp-KaggleLab-muted">{entry.note}</span>}
          </li>
        ))}
      </ol>
      <ErrorNote trans={trans} error={error} />
    </Section>
  );
}

/** Fetched when the page opens and whenever the job's status or Kaggle's word changes. */
function useHistory(model: IKaggleModel, job: Job): { entries: readonly HistoryEntry[]; error: unknown } {
  const [entries, setEntries] = React.useState<readonly HistoryEntry[]>([]);
  const [error, setError] = React.useState<unknown>();
  React.useEffect(() => {
    let current = true;
    model.fetchJob(job.id).then(
      detail => {
        if (current) {
          setEntries(detail.history);
          setError(undefined);
        }
      },
      (reason: unknown) => {
        if (current) {
          setError(reason);
        }
      }
    );
    return () => {
      current = false;
    };
  }, [model, job.id, job.status, job.kaggle_word, job.retrieval]);
  return { entries, error };
}
