import type { ILogModel } from '../tokens';
import { jobWire, logLine } from './factory';
import { Lab } from './lab-server';

let lab: Lab;

beforeEach(() => {
  lab = new Lab();
  lab.jobs = [jobWire()];
});

afterEach(() => {
  lab.model.dispose();
});

function give(lines: number): void {
  lab.logs.set(
    'job-1',
    Array.from({ length: lines }, (_, n) => logLine(n))
  );
}

async function settled(log: ILogModel): Promise<void> {
  while (log.loading) {
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}

function numbers(log: ILogModel): number[] {
  return Array.from({ length: log.loaded }, (_, index) => log.line(index)?.n ?? -1);
}

const consecutive = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index);

it('begins with the end of a long log', async () => {
  give(2500);
  const log = lab.model.openLog('job-1');
  await settled(log);
  expect([log.loaded, log.count, log.complete]).toEqual([1000, 2500, false]);
  expect(numbers(log)).toEqual(consecutive(1500, 2500));
  expect(lab.requests).toHaveLength(1);
});

it('loads what is before on request, each line once and in order', async () => {
  give(12_500);
  const log = lab.model.openLog('job-1');
  await settled(log);
  await Promise.all([log.loadAll(), log.loadAll()]);
  expect(log.complete).toBe(true);
  expect(numbers(log)).toEqual(consecutive(0, 12_500));
  expect(lab.sent('GET jobs/job-1/log')).toHaveLength(4);
});

it('follows a live log', async () => {
  give(3);
  lab.jobs = [jobWire({ status: 'running', log_count: 3 })];
  await lab.model.start();
  const log = lab.model.openLog('job-1');
  await settled(log);
  give(7);
  lab.put({ ...lab.jobs[0], log_count: 7 });
  await settled(log);
  expect(numbers(log)).toEqual(consecutive(0, 7));
  expect(log.complete).toBe(true);
});

it('follows while the beginning is being loaded, without doubles or gaps', async () => {
  give(6000);
  lab.jobs = [jobWire({ status: 'running', log_count: 6000 })];
  await lab.model.start();
  const log = lab.model.openLog('job-1');
  await settled(log);
  const filling = log.loadAll();
  give(6100);
  lab.put({ ...lab.jobs[0], log_count: 6100 });
  await filling;
  await settled(log);
  expect(numbers(log)).toEqual(consecutive(0, 6100));
});

it('catches up over more than a page', async () => {
  give(10);
  lab.jobs = [jobWire({ status: 'running', log_count: 10 })];
  await lab.model.start();
  const log = lab.model.openLog('job-1');
  await settled(log);
  give(11_000);
  lab.put({ ...lab.jobs[0], log_count: 11_000 });
  await settled(log);
  expect(numbers(log)).toEqual(consecutive(0, 11_000));
});

it('keeps its lines through a failure, says why, and goes on', async () => {
  give(5);
  lab.jobs = [jobWire({ status: 'running', log_count: 5 })];
  await lab.model.start();
  const log = lab.model.openLog('job-1');
  await settled(log);
  lab.refuse('GET jobs/job-1/log', 500, { code: 'internal', cause: 'Broken.' });
  lab.put({ ...lab.jobs[0], log_count: 6 });
  await settled(log);
  expect([log.error?.cause, log.loaded]).toEqual(['Broken.', 5]);
  lab.answers.clear();
  give(8);
  lab.put({ ...lab.jobs[0], log_count: 8 });
  await settled(log);
  expect([log.error, log.loaded]).toEqual([undefined, 8]);
});

it('fetches what failed when asked to try again, also when the beginning is there', async () => {
  give(4);
  lab.jobs = [jobWire({ status: 'running', log_count: 4 })];
  await lab.model.start();
  const log = lab.model.openLog('job-1');
  await settled(log);
  lab.refuse('GET jobs/job-1/log', 500, { code: 'internal', cause: 'Broken.' });
  lab.put({ ...lab.jobs[0], status: 'complete', log_count: 10 });
  await settled(log);
  expect([log.error?.cause, log.complete]).toEqual(['Broken.', true]);
  lab.answers.clear();
  give(10);
  await log.retry();
  expect([log.error, log.loaded]).toEqual([undefined, 10]);
});

it('catches up when the server is back', async () => {
  give(5);
  lab.jobs = [jobWire({ status: 'running', log_count: 5 })];
  await lab.model.start();
  const log = lab.model.openLog('job-1');
  await settled(log);
  lab.reachable = false;
  await lab.model.refreshJobs();
  give(9);
  lab.reachable = true;
  await lab.model.wake();
  await settled(log);
  expect(log.loaded).toBe(9);
});

it('asks for nothing once closed', async () => {
  give(5);
  const log = lab.model.openLog('job-1');
  await settled(log);
  log.dispose();
  lab.requests.length = 0;
  lab.model.handleChange({ kind: 'job', job_id: 'job-1', seq: 9, status: '', log_count: 50, retrieval: '' });
  expect(lab.requests).toHaveLength(0);
  expect(log.loaded).toBe(0);
});
