import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { formatAgo } from '../format';
import type { IKaggleModel } from '../tokens';
import type { Job } from '../wire';
import { rowForKey, uniformRows, VirtualList, type IVirtualListHandle } from '../virtual-list';
import { elapsedText } from './elapsed';
import { filterJobs, isFiltering, type IFilter, type StatusFilter } from './filter';
import { useNow } from './hooks';
import { acceleratorLabel } from './machine';
import { ErrorNote, Section } from './notices';
import { EmulatorBadge, StatusMark } from './status';
import { when } from './when';

/** Height of one run in the list, in pixels; the style sheet says the same. */
export const HISTORY_ROW_HEIGHT = 48;

interface IHistoryProps {
  model: IKaggleModel;
  trans: TranslationBundle;
  /** The ended runs loaded so far, newest first. */
  jobs: readonly Job[];
  /** The run to stand on, as after coming back from its page. */
  activeId?: string;
  filter: IFilter;
  onFilter(filter: IFilter): void;
  onOpen(id: string): void;
}

/** The ended runs: filtered, in a list that draws only what is in view and loads more at its end. */
export function History(props: IHistoryProps): React.ReactElement {
  const { model, trans, jobs, filter } = props;
  const shown = React.useMemo(() => filterJobs(trans, jobs, filter), [trans, jobs, filter]);
  const filtering = isFiltering(filter);
  // Focus goes back to a run once, not each time the filter makes another list.
  const activeId = React.useRef(props.activeId);
  React.useEffect(() => {
    activeId.current = undefined;
  }, []);
  return (
    <Section label={trans.__('History')} className="jp-KaggleLab-history">
      {(jobs.length > 0 || filtering) && <Filter {...props} />}
      {shown.length > 0 ? (
        <HistoryList
          {...props}
          // Another filter makes another list, which begins at its top.
          key={`${filter.status} ${filter.text}`}
          jobs={shown}
          activeId={activeId.current}
          autoLoad={!filtering}
        />
      ) : (
        <p className="jp-KaggleLab-muted jp-KaggleLab-empty">
          {filtering ? trans.__('No loaded run matches.') : trans.__('No run has ended yet.')}
        </p>
      )}
      <More model={model} trans={trans} filtering={filtering} />
    </Section>
  );
}

function Filter({ trans, filter, onFilter }: IHistoryProps): React.ReactElement {
  const options: [StatusFilter, string][] = [
    ['all', trans.__('All')],
    ['good', trans.__('Complete')],
    ['bad', trans.__('Failed')],
    ['muted', trans.__('Stopped')]
  ];
  return (
    <div className="jp-KaggleLab-filter">
      <input
        type="text"
        className="jp-KaggleLab-input"
        value={filter.text}
        placeholder={trans.__('Filter runs')}
        aria-label={trans.__('Filter runs by title or status')}
        onChange={event => onFilter({ ...filter, text: event.target.value })}
      />
      <select
        className="jp-KaggleLab-select"
        value={filter.status}
        aria-label={trans.__('Show only')}
        onChange={event => onFilter({ ...filter, status: event.target.value as StatusFilter })}
      >
        {options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}

function HistoryList(props: IHistoryProps & { autoLoad: boolean }): React.ReactElement {
  const { model, trans, jobs, autoLoad, onOpen } = props;
  const list = React.useRef<IVirtualListHandle>(null);
  const now = useNow(60_000);
  const prefix = React.useId();
  const { active, moveTo } = useActiveJob(jobs, props.activeId, list);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const next = rowForKey(event.key, active, jobs.length, list.current?.pageSize() ?? 1);
    if (next !== undefined) {
      event.preventDefault();
      moveTo(next);
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onOpen(jobs[active].id);
    }
  };
  return (
    <VirtualList
      className="jp-KaggleLab-historyList"
      role="listbox"
      aria-label={trans.__('Ended runs')}
      aria-activedescendant={`${prefix}${jobs[active].id}`}
      tabIndex={0}
      metrics={uniformRows(jobs.length, HISTORY_ROW_HEIGHT)}
      handle={list}
      onKeyDown={onKeyDown}
      onScrolled={({ window }) => {
        if (autoLoad && model.hasMore && window.end >= jobs.length) {
          void model.loadMore();
        }
      }}
      renderRow={index => (
        <HistoryRow
          key={jobs[index].id}
          id={`${prefix}${jobs[index].id}`}
          model={model}
          trans={trans}
          job={jobs[index]}
          now={now}
          position={index + 1}
          size={model.hasMore ? -1 : jobs.length}
          active={index === active}
          onOpen={onOpen}
        />
      )}
    />
  );
}

/** The row the keyboard stands on; it stays on its job while others come and go. */
function useActiveJob(
  jobs: readonly Job[],
  startId: string | undefined,
  list: React.RefObject<IVirtualListHandle>
): { active: number; moveTo(index: number): void } {
  const [id, setId] = React.useState(startId);
  const active = Math.max(
    0,
    jobs.findIndex(job => job.id === id)
  );
  React.useLayoutEffect(() => {
    if (startId !== undefined && jobs[active].id === startId) {
      list.current?.reveal(active, 'center');
      list.current?.element.focus({ preventScroll: true });
    }
    // Only on coming back, not whenever the list changes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const moveTo = (index: number): void => {
    setId(jobs[index].id);
    list.current?.reveal(index);
  };
  return { active, moveTo };
}

interface IHistoryRowProps {
  id: string;
  model: IKaggleModel;
  trans: TranslationBundle;
  job: Job;
  now: number;
  position: number;
  size: number;
  active: boolean;
  onOpen(id: string): void;
}

function HistoryRow(props: IHistoryRowProps): React.ReactElement {
  const { id, model, trans, job, now, active } = props;
  const moment = job.ended_at ?? job.created_at;
  return (
    <div
      id={id}
      className={`jp-KaggleLab-historyRow${active ? ' jp-mod-active' : ''}`}
      role="option"
      aria-selected={active}
      aria-posinset={props.position}
      aria-setsize={props.size}
      data-job-id={job.id}
      onClick={() => props.onOpen(job.id)}
    >
      <div className="jp-KaggleLab-cardHead">
        <span className="jp-KaggleLab-title" title={job.notebook_path}>
          {job.title || job.notebook_path}
        </span>
        {job.version !== null && <span className="jp-KaggleLab-muted">{trans.__('v%1', job.version)}</span>}
        {job.endpoint.kind === 'emulator' && <EmulatorBadge trans={trans} />}
        {moment && (
          <time className="jp-KaggleLab-muted" dateTime={moment} title={when(moment)}>
            {formatAgo(trans, moment, now)}
          </time>
        )}
      </div>
      <div className="jp-KaggleLab-line jp-KaggleLab-muted">
        <StatusMark trans={trans} job={job} />
        <span className="jp-mod-shrinks">{acceleratorLabel(job, model.accelerators.value)}</span>
        <span>{elapsedText(trans, job)}</span>
      </div>
    </div>
  );
}

function More(props: {
  model: IKaggleModel;
  trans: TranslationBundle;
  filtering: boolean;
}): React.ReactElement | null {
  const { model, trans, filtering } = props;
  const left = model.jobsTotal - model.jobs.length;
  return (
    <div className="jp-KaggleLab-more">
      {model.hasMore && (
        <button type="button" className="jp-KaggleLab-button" onClick={() => void model.loadMore()}>
          {filtering
            ? trans._n('Look through %1 older run', 'Look through %1 older runs', left)
            : trans._n('Load %1 older run', 'Load %1 older runs', left)}
        </button>
      )}
      {model.isReady && (
        <ErrorNote trans={trans} error={model.jobsError} onRetry={() => void model.refreshJobs()} />
      )}
    </div>
  );
}
