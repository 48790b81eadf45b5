import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IActions, IKaggleModel } from '../tokens';
import { isFinished, type Account } from '../wire';
import { AccountRow } from './account-row';
import { NO_FILTER, type IFilter } from './filter';
import { History } from './history';
import { useSignal } from './hooks';
import { JobDetail } from './job-detail';
import { ErrorNote } from './notices';
import { QuotaGauges } from './quota-gauges';
import { Running } from './running';
import { SignInCard } from './sign-in-card';

export interface ISidebarProps {
  model: IKaggleModel;
  trans: TranslationBundle;
  actions: IActions;
  /** The run whose page is shown; empty for the list. */
  jobId: string;
  onShowJob(id: string): void;
}

/** The whole sidebar: the account on top, then the list of runs or the page of one. */
export function Sidebar(props: ISidebarProps): React.ReactElement {
  const { model, trans, jobId } = props;
  useSignal(model.accountChanged);
  useSignal(model.quotaChanged);
  useSignal(model.acceleratorsChanged);
  useSignal(model.jobsChanged);
  useSignal(model.connectionChanged);
  const job = jobId ? model.job(jobId) : undefined;
  const lastShown = React.useRef('');
  const [filter, setFilter] = React.useState(NO_FILTER);
  React.useEffect(() => {
    lastShown.current = jobId || lastShown.current;
  }, [jobId]);
  return (
    <div className="jp-KaggleLab-sidebar">
      <AccountRow model={model} trans={trans} onRefresh={() => refreshAll(model, true)} />
      <Connection model={model} trans={trans} />
      {job ? (
        <JobDetail key={job.id} {...props} job={job} onBack={() => props.onShowJob('')} />
      ) : (
        <Overview
          {...props}
          lastShown={lastShown.current || undefined}
          filter={filter}
          onFilter={setFilter}
        />
      )}
    </div>
  );
}

/** Ask for what the sidebar shows; answers come through the model's signals. */
export function refreshAll(model: IKaggleModel, force: boolean): void {
  void model.refreshAccount(force);
  void model.refreshAccelerators();
  void model.refreshQuota(force);
  void (force ? model.refreshJobs() : model.start());
}

/** One quiet line on what cannot be reached: the Jupyter server, its Kaggle half, or Kaggle. */
function Connection(props: { model: IKaggleModel; trans: TranslationBundle }): React.ReactElement | null {
  const { model, trans } = props;
  const { value: account, error } = model.account;
  if (error) {
    return <ErrorNote trans={trans} error={error} onRetry={() => refreshAll(model, true)} />;
  }
  if (!model.connected) {
    return (
      <p className="jp-KaggleLab-note jp-mod-waiting" role="status">
        {trans.__('The Jupyter server cannot be reached. Shown is what was known last.')}
      </p>
    );
  }
  return account?.state === 'unreachable' ? <Unreachable {...props} account={account} /> : null;
}

function Unreachable(props: {
  model: IKaggleModel;
  trans: TranslationBundle;
  account: Account;
}): React.ReactElement {
  const { model, trans, account } = props;
  return (
    <div className="jp-KaggleLab-note jp-mod-waiting" role="status">
      <p>
        {trans.__('Kaggle cannot be reached. Runs go on there; shown is what was known last.')}{' '}
        {account.message}
      </p>
      <button type="button" className="jp-KaggleLab-button" onClick={() => refreshAll(model, true)}>
        {trans.__('Try again')}
      </button>
    </div>
  );
}

interface IOverviewProps extends ISidebarProps {
  /** The run whose page was shown before. */
  lastShown?: string;
  filter: IFilter;
  onFilter(filter: IFilter): void;
}

function Overview(props: IOverviewProps): React.ReactElement {
  const { model, trans, lastShown, onShowJob } = props;
  const jobs = model.jobs;
  const running = React.useMemo(() => jobs.filter(job => !isFinished(job.status)), [jobs]);
  const ended = React.useMemo(() => jobs.filter(job => isFinished(job.status)), [jobs]);
  const account = model.account.value;
  return (
    <>
      {account?.state === 'signed_out' && <SignInCard model={model} trans={trans} account={account} />}
      {account && account.state !== 'signed_out' && <QuotaGauges model={model} trans={trans} />}
      <Running {...props} jobs={running} focusId={lastShown} onOpen={onShowJob} />
      {jobs.length > 0 ? (
        <History {...props} jobs={ended} activeId={lastShown} onOpen={onShowJob} />
      ) : (
        <NoRuns {...props} account={account} />
      )}
    </>
  );
}

/** Before the first run: what this is for and how to begin. */
function NoRuns(props: ISidebarProps & { account?: Account }): React.ReactElement | null {
  const { model, trans, actions, account } = props;
  if (model.jobsError) {
    // When the account could not be read either, its error says it already.
    return model.account.error ? null : (
      <ErrorNote trans={trans} error={model.jobsError} onRetry={() => void model.refreshJobs()} />
    );
  }
  if (!model.isReady || !account) {
    return model.account.error ? null : (
      <p className="jp-KaggleLab-muted jp-KaggleLab-empty" role="status">
        {trans.__('Loading…')}
      </p>
    );
  }
  return (
    <div className="jp-KaggleLab-empty">
      <h3>{trans.__('No runs yet')}</h3>
      <p>
        {trans.__(
          'Open a notebook and press “Run on Kaggle GPU” in its toolbar. It runs there as it is on screen, even after you close this page, and what it writes comes back to your workspace.'
        )}
      </p>
      {account.state !== 'signed_out' && (
        <button
          type="button"
          className="jp-KaggleLab-button jp-mod-strong"
          onClick={() => actions.submitCurrent()}
        >
          {trans.__('Run the notebook in front')}
        </button>
      )}
    </div>
  );
}
