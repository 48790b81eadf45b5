import { WireError, isFinished, readAccount, readChange, readJob, readJobPage, readQuota } from '../wire';
import { accountWire, jobWire } from './factory';

describe('reading what the server says', () => {
  it('keeps every field of a job', () => {
    const wire = jobWire({
      status: 'running',
      progress: { cell: 2, cells: 7, done: false },
      version: 4,
      warnings: ['w']
    });
    expect(readJob(wire)).toEqual(wire);
  });

  it('drops fields it does not know', () => {
    expect(readJob({ ...jobWire(), secret: 'x' })).not.toHaveProperty('secret');
  });

  it('refuses a job without an id, and a list of something else', () => {
    expect(() => readJob(jobWire({ id: '' }))).toThrow(WireError);
    expect(() => readJobPage([])).toThrow('jobs');
    expect(() => readJobPage({ jobs: ['x'] })).toThrow('job');
  });

  it('reads a word newer than itself as the cautious one', () => {
    const job = readJob({ ...jobWire(), status: 'hibernating', retrieval: 'beamed' });
    expect([job.status, job.retrieval]).toEqual(['running', 'none']);
    expect(readAccount({ ...accountWire(), state: 'dreaming' }).state).toBe('unreachable');
  });

  it('tells absent from zero', () => {
    const quota = readQuota({ gpu: { used_s: 0, reserved_s: 0, allowed_s: 3, left_s: 3 }, tpu: null });
    expect(quota.tpu).toBeNull();
    expect(quota.gpu?.used_s).toBe(0);
    expect(quota.refreshes_at).toBeNull();
    expect(readJob(jobWire({ version: 0 })).version).toBe(0);
  });

  it('survives an event of another version', () => {
    expect(readChange({ kind: 'job', job_id: 'a', seq: 'many' })).toMatchObject({ job_id: 'a', seq: 0 });
  });

  it.each([
    ['waiting', false],
    ['cancel_requested', false],
    ['complete', true],
    ['rejected', true],
    ['saved', true]
  ] as const)('knows whether %s is the end', (status, end) => {
    expect(isFinished(status)).toBe(end);
  });
});
