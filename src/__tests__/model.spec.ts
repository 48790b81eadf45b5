import type { IKaggleModel } from '../tokens';
import { ApiError, type Job } from '../wire';
import { accountWire, emulatorAccount, jobWire, manyJobs, quotaWire } from './factory';
import { Lab } from './lab-server';

let lab: Lab;

beforeEach(() => {
  lab = new Lab();
});

afterEach(() => {
  lab.model.dispose();
});

/** Resolves with the ids of the next change of the jobs. */
function nextChange(model: IKaggleModel): Promise<string[]> {
  return new Promise(resolve => {
    const take = (_: unknown, ids: string[]) => {
      model.jobsChanged.disconnect(take);
      resolve(ids);
    };
    model.jobsChanged.connect(take);
  });
}

async function until(claim: () => boolean): Promise<void> {
  const end = Date.now() + 5000;
  while (!claim()) {
    if (Date.now() > end) {
      throw new Error(`never: ${claim.toString()}`);
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

const titles = (jobs: readonly Job[]) => jobs.map(job => job.title);

describe('starting', () => {
  it('asks once, however often it is called', async () => {
    lab.jobs = [jobWire()];
    await Promise.all([lab.model.start(), lab.model.start()]);
    await lab.model.start();
    expect(lab.requests.map(request => request.line)).toEqual(['GET jobs', 'GET jobs']);
    expect(lab.model.jobs).toHaveLength(1);
    expect(lab.model.isReady).toBe(true);
  });

  it('is quiet about a server without its Kaggle half, and stays silent', async () => {
    lab.answers.set('GET jobs', () => ({ status: 404, body: '' }));
    await lab.model.start();
    expect(lab.model.jobsError?.code).toBe('server_missing');
    expect([lab.model.isReady, lab.model.connected]).toEqual([false, true]);
  });

  it('loads the rest page by page', async () => {
    lab.jobs = manyJobs(250);
    await lab.model.start();
    expect([lab.model.jobs.length, lab.model.hasMore, lab.model.jobsTotal]).toEqual([100, true, 250]);
    await Promise.all([lab.model.loadMore(), lab.model.loadMore()]);
    expect(lab.model.jobs).toHaveLength(200);
    await lab.model.loadMore();
    await lab.model.loadMore();
    expect([lab.model.jobs.length, lab.model.hasMore]).toEqual([250, false]);
    expect(titles(lab.model.jobs)).toEqual(titles(lab.jobs));
  });
});

describe('news', () => {
  it('are fetched after the cursor, only what changed', async () => {
    lab.jobs = manyJobs(30);
    await lab.model.start();
    lab.requests.length = 0;
    const change = nextChange(lab.model);
    lab.put({ ...lab.jobs[4], status: 'running', last_line: 'epoch 2' });
    expect(await change).toEqual([lab.jobs[4].id]);
    expect(lab.model.jobs[4].last_line).toBe('epoch 2');
    expect(lab.requests).toHaveLength(1);
  });

  it('that came already cost no request', async () => {
    lab.jobs = [jobWire({ seq: 7 })];
    await lab.model.start();
    lab.requests.length = 0;
    const { id: job_id, status, log_count, retrieval } = lab.jobs[0];
    lab.model.handleChange({ kind: 'job', job_id, seq: 7, status, log_count, retrieval });
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(lab.requests).toHaveLength(0);
  });

  it('that come in a burst are fetched together', async () => {
    lab.jobs = manyJobs(5);
    await lab.model.start();
    lab.requests.length = 0;
    for (const job of [...lab.jobs]) {
      lab.put({ ...job, last_line: 'x' });
    }
    await until(() => lab.model.jobs.every(job => job.last_line === 'x'));
    expect(lab.requests.length).toBeLessThanOrEqual(2);
  });

  it('never go back to an older word', async () => {
    lab.jobs = [jobWire({ status: 'complete', seq: 9 })];
    await lab.model.start();
    lab.answers.set('GET jobs/job-1', () => ({
      status: 200,
      body: { job: jobWire({ status: 'running', seq: 5 }), history: [] }
    }));
    await lab.model.fetchJob('job-1');
    expect(lab.model.job('job-1')?.status).toBe('complete');
  });

  it('of removals take the job away', async () => {
    lab.jobs = manyJobs(3);
    await lab.model.start();
    const gone = lab.jobs[1].id;
    const left = lab.jobs.filter(job => job.id !== gone);
    lab.answers.set('GET jobs', () => ({
      status: 200,
      body: { jobs: [], removed: [gone], seq: 4, more: false, total: 2 }
    }));
    lab.model.handleChange({
      kind: 'job_removed',
      job_id: gone,
      seq: 4,
      status: '',
      log_count: 0,
      retrieval: ''
    });
    await until(() => lab.model.job(gone) === undefined);
    expect(titles(lab.model.jobs)).toEqual(titles(left));
    expect(lab.model.jobsTotal).toBe(2);
  });

  it('of another store start the list over', async () => {
    lab.jobs = manyJobs(4);
    await lab.model.start();
    lab.jobs = [jobWire({ id: 'fresh', seq: 1 })];
    let asked = 0;
    const page = { jobs: lab.jobs, removed: [], seq: 1, more: false, total: 1 };
    lab.answers.set('GET jobs', () => ({ status: 200, body: (asked++, page) }));
    await lab.model.refreshJobs();
    expect(lab.model.jobs.map(job => job.id)).toEqual(['fresh']);
    expect(asked).toBe(2);
  });

  it('of the account and the quota are fetched by who knows them', async () => {
    const none = { job_id: '', seq: 0, status: '', log_count: 0, retrieval: '' };
    lab.model.handleChange({ kind: 'account', ...none });
    lab.model.handleChange({ kind: 'quota', ...none });
    expect(lab.requests).toHaveLength(0);
    await Promise.all([lab.model.refreshAccount(), lab.model.refreshQuota()]);
    lab.account = emulatorAccount();
    lab.model.handleChange({ kind: 'account', ...none });
    await until(() => lab.model.account.value?.endpoint.kind === 'emulator');
    lab.quota = quotaWire({ tpu: null });
    lab.model.handleChange({ kind: 'quota', ...none });
    await until(() => lab.model.quota.value?.tpu === null);
  });
});

describe('the server being away', () => {
  it('is noticed, and made good when it is back', async () => {
    lab.jobs = [jobWire({ status: 'running' })];
    await Promise.all([lab.model.start(), lab.model.refreshAccount(), lab.model.refreshQuota()]);
    lab.reachable = false;
    const changes: boolean[] = [];
    lab.model.connectionChanged.connect(model => changes.push(model.connected));
    await lab.model.refreshJobs();
    expect(lab.model.connected).toBe(false);
    expect(lab.model.jobs).toHaveLength(1);
    lab.jobs = [jobWire({ status: 'complete', seq: 2 })];
    lab.account = accountWire({ username: 'grace' });
    lab.reachable = true;
    await lab.model.wake();
    await until(() => lab.model.account.value?.username === 'grace');
    expect(lab.model.job('job-1')?.status).toBe('complete');
    expect(changes).toEqual([false, true]);
    expect(lab.model.jobsError).toBeUndefined();
  });

  it('keeps the last account and says why it is old', async () => {
    await lab.model.refreshAccount();
    lab.reachable = false;
    await lab.model.refreshAccount();
    expect(lab.model.account).toMatchObject({
      value: { username: 'ada' },
      error: { code: 'server_unreachable' },
      loading: false
    });
  });
});

describe('the account', () => {
  it('that is signed in replaces the old one and its quota', async () => {
    await Promise.all([lab.model.refreshAccount(), lab.model.refreshQuota()]);
    lab.quota = quotaWire({ tpu: null });
    lab.account = accountWire({ username: 'grace' });
    await lab.model.signIn('KGAT_secret');
    expect(lab.sent('POST account')).toEqual([{ token: 'KGAT_secret' }]);
    expect(lab.model.account.value?.username).toBe('grace');
    expect(lab.model.quota.value?.tpu).toBeNull();
  });

  it('that is refused leaves the old one', async () => {
    await lab.model.refreshAccount();
    lab.refuse('POST account', 422, { code: 'bad_credentials', cause: 'Not accepted.' });
    await expect(lab.model.signIn('nonsense')).rejects.toMatchObject({ code: 'bad_credentials' });
    expect(lab.model.account.value?.username).toBe('ada');
  });

  it('is not overwritten by an answer about the past', async () => {
    let release = () => undefined as void;
    lab.answers.set('GET account', async () => {
      await new Promise<void>(resolve => (release = resolve));
      return { status: 200, body: accountWire({ username: 'old' }) };
    });
    const late = lab.model.refreshAccount();
    lab.account = accountWire({ username: 'new' });
    await lab.model.signIn('KGAT_x');
    release();
    await late;
    expect(lab.model.account.value?.username).toBe('new');
  });

  it('is asked for its quota at most once a minute unless forced', async () => {
    await lab.model.refreshQuota();
    await lab.model.refreshQuota();
    expect(lab.sent('GET quota')).toHaveLength(1);
    await lab.model.refreshQuota(true);
    expect(lab.sent('GET quota')).toHaveLength(2);
  });
});

describe('submitting', () => {
  const request = { notebook_path: 'a.ipynb', client_token: 'click-1' };

  it('sends one request per token', async () => {
    lab.answers.set('POST jobs', () => ({ status: 201, body: jobWire({ client_token: 'click-1' }) }));
    const [first, second] = await Promise.all([lab.model.submit(request), lab.model.submit(request)]);
    expect(first).toBe(second);
    expect(lab.sent('POST jobs')).toHaveLength(1);
    expect(lab.model.job('job-1')).toBe(first);
  });

  it('gives every submission without a token its own', async () => {
    lab.answers.set('POST jobs', () => ({ status: 201, body: jobWire() }));
    await lab.model.submit({ notebook_path: 'a.ipynb' });
    await lab.model.submit({ notebook_path: 'a.ipynb' });
    const tokens = lab.sent('POST jobs').map(body => (body as { client_token: string }).client_token);
    expect(new Set(tokens).size).toBe(2);
    expect(tokens.every(token => token.length > 20)).toBe(true);
  });

  it('repeats with the same token when the answer was lost', async () => {
    lab.model.dispose();
    const patient = new Lab({ submitRetryMs: [1, 1] });
    let asked = 0;
    patient.answers.set('POST jobs', () => {
      asked += 1;
      if (asked < 3) {
        throw new TypeError('connection lost');
      }
      return { status: 200, body: jobWire() };
    });
    await expect(patient.model.submit(request)).resolves.toMatchObject({ id: 'job-1' });
    const tokens = patient.sent('POST jobs').map(body => (body as { client_token: string }).client_token);
    expect(tokens).toEqual(['click-1', 'click-1', 'click-1']);
    patient.model.dispose();
  });

  it('never repeats what was refused, and looks what became of it', async () => {
    await lab.model.start();
    lab.refuse('POST jobs', 409, { code: 'quota', cause: 'Used up.', data: { job_id: 'job-9' } });
    lab.jobs = [jobWire({ id: 'job-9', status: 'rejected', seq: 3 })];
    await expect(lab.model.submit(request)).rejects.toBeInstanceOf(ApiError);
    expect(lab.sent('POST jobs')).toHaveLength(1);
    await until(() => lab.model.job('job-9')?.status === 'rejected');
  });
});

describe('acting on a run', () => {
  it('takes the server’s word on a stop', async () => {
    lab.jobs = [jobWire({ status: 'running' })];
    await lab.model.start();
    await lab.model.stop('job-1');
    expect(lab.model.job('job-1')).toMatchObject({
      status: 'running',
      stop_requested_at: expect.any(String)
    });
  });

  it('keeps a run that could not be removed', async () => {
    lab.jobs = [jobWire({ status: 'running' })];
    await lab.model.start();
    lab.refuse('DELETE jobs/job-1', 409, { code: 'job_busy' });
    await expect(lab.model.remove('job-1')).rejects.toMatchObject({ code: 'job_busy' });
    expect(lab.model.jobs).toHaveLength(1);
  });

  it('removes from the list', async () => {
    lab.jobs = manyJobs(3);
    await lab.model.start();
    await lab.model.remove(lab.jobs[2].id);
    expect([lab.model.jobs.length, lab.model.jobsTotal]).toEqual([2, 2]);
  });

  it('asks for all output files, or for some', async () => {
    lab.jobs = [jobWire({ status: 'complete' })];
    await lab.model.retrieve('job-1');
    await lab.model.retrieve('job-1', ['model.joblib']);
    expect(lab.sent('POST jobs/job-1/outputs')).toEqual([
      { names: null, folder: null },
      { names: ['model.joblib'], folder: null }
    ]);
  });
});

it('says nothing more once disposed of', async () => {
  lab.jobs = [jobWire({ status: 'running' })];
  await lab.model.start();
  let heard = 0;
  lab.model.jobsChanged.connect(() => (heard += 1));
  const late = lab.model.refreshJobs();
  lab.model.dispose();
  lab.put(jobWire({ status: 'complete' }));
  await late;
  expect(heard).toBe(0);
});
