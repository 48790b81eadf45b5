import { Notifier, offerOptions, type INote } from '../notify';
import { DEFAULT_SETTINGS, type ISettings } from '../settings';
import { ApiError, type Job } from '../wire';
import { emulatorAccount, jobWire } from './factory';
import { Lab, actionsSpy, trans } from './lab-server';
import { eventually } from './lab-stage';

let lab: Lab;
let notes: INote[];
let desktop: string[];
let settings: ISettings;
let hidden: boolean;
let kept: readonly string[];
let own: string;
const actions = actionsSpy();

beforeEach(() => {
  lab = new Lab();
  [notes, desktop, settings, hidden, kept, own] = [[], [], DEFAULT_SETTINGS, false, [], ''];
  Object.values(actions).forEach(action => action.mockClear());
});

afterEach(() => lab.model.dispose());

function notifier(): Notifier {
  return new Notifier({
    model: lab.model,
    actions,
    trans,
    settings: () => settings,
    isOwn: token => token === own,
    show: note => notes.push(note),
    showOnDesktop: (title, body) => desktop.push(`${title}: ${body}`),
    isHidden: () => hidden,
    memory: { load: () => kept, save: ids => (kept = ids) }
  });
}

/** A run seen live, then changed. */
async function live(changes: Partial<Job>, ...later: Partial<Job>[]): Promise<void> {
  notifier();
  lab.jobs = [jobWire({ status: 'running', started_at: '2026-11-21T08:00:00.000Z' })];
  await lab.model.start();
  for (const change of [changes, ...later]) {
    lab.jobs = [{ ...lab.jobs[0], ...change, seq: lab.jobs[0].seq + 1 }];
    await lab.model.refreshJobs();
  }
}

const ENDED = '2026-11-21T08:12:30.000Z';

describe('runs watched in an earlier visit', () => {
  it('are forgotten when they were removed since', async () => {
    kept = ['job-1', 'job-9'];
    lab.jobs = [jobWire({ status: 'running' })];
    lab.refuse('GET jobs/job-9', 404, { code: 'no_such_job', cause: 'There is none.' });
    notifier();
    await lab.model.start();
    await eventually(() => expect(kept).toEqual(['job-1']));
  });
});

describe('the end of a run', () => {
  it('is told with its files', async () => {
    await live({
      status: 'complete',
      ended_at: ENDED,
      retrieval: 'complete',
      retrieval_message: '4 of 4 files are here (1.7 MB).'
    });
    expect(notes).toMatchObject([
      {
        tone: 'success',
        message: 'Train digits, version 3 is complete after 12 min 30 s. 4 of 4 files are here (1.7 MB).',
        autoClose: 20_000
      }
    ]);
    expect(notes[0].actions.map(action => action.label)).toEqual(['Open outputs', 'Open log']);
    notes[0].actions[0].callback();
    expect(actions.openOutputs).toHaveBeenCalledWith('job-1');
  });

  it('asks for the files when they do not come by themselves', async () => {
    await live({ status: 'complete', ended_at: ENDED, retrieval: 'none' });
    expect(notes[0].actions.map(action => action.label)).toEqual(['Get output files', 'Open log']);
    notes[0].actions[0].callback();
    await eventually(() => expect(lab.sent('POST jobs/job-1/outputs')).toHaveLength(1));
  });

  it('waits for the files', async () => {
    await live({ status: 'complete', retrieval: 'pending' }, { retrieval: 'running' });
    expect(notes).toEqual([]);
    lab.jobs = [{ ...lab.jobs[0], retrieval: 'partial', retrieval_message: '3 of 4.', seq: 9 }];
    await lab.model.refreshJobs();
    expect(notes).toMatchObject([{ tone: 'warning', message: expect.stringContaining('3 of 4.') }]);
  });

  it('stays on screen when it failed, with cause and remedy', async () => {
    await live({ status: 'error', message: 'Cell 4: KeyError.', remedy: 'Look at the log.' });
    expect(notes).toMatchObject([
      {
        tone: 'error',
        autoClose: false,
        message: 'Train digits, version 3 failed. Cell 4: KeyError. Look at the log.'
      }
    ]);
    notes[0].actions[0].callback();
    expect(actions.openLog).toHaveBeenCalledWith('job-1');
  });

  it.each([
    ['cancelled', 'stopped', 'info'],
    ['cancelled', 'time_limit', 'warning'],
    ['saved', '', 'info']
  ] as const)('is told quietly when it is %s (%s)', async (status, reason, tone) => {
    await live({ status, reason });
    expect(notes).toMatchObject([{ tone, autoClose: 6000 }]);
  });

  it('is told once', async () => {
    await live({ status: 'complete' }, { last_line: 'late' });
    expect(notes).toHaveLength(1);
  });

  it('is not told of runs that ended before the page was opened', async () => {
    notifier();
    lab.jobs = [jobWire({ status: 'complete' })];
    await lab.model.start();
    expect(notes).toEqual([]);
  });

  it('is told late, of a run that was live when the page was closed', async () => {
    await live({ last_line: 'x' });
    expect(kept).toEqual(['job-1']);
    lab.model.dispose();
    lab = new Lab();
    lab.jobs = [jobWire({ status: 'complete' })];
    notifier();
    await lab.model.start();
    expect(notes).toHaveLength(1);
    expect(kept).toEqual([]);
  });

  it('is forgotten with a run that was removed', async () => {
    await live({ last_line: 'x' });
    await lab.model.remove('job-1');
    expect([kept, notes]).toEqual([[], []]);
  });

  it('is cut at a word', async () => {
    await live({ status: 'error', message: 'word '.repeat(60) });
    expect(notes[0].message.length).toBeLessThanOrEqual(140);
    expect(notes[0].message).toMatch(/word…$/);
  });
});

describe('a refusal', () => {
  it('is left to the click that caused it', async () => {
    own = 'token-1';
    await live({ status: 'rejected', message: 'No.' });
    expect(notes).toEqual([]);
  });

  it('of a run that waited is told', async () => {
    await live({ status: 'rejected', message: 'Quota used up.' });
    expect(notes).toMatchObject([{ tone: 'error', autoClose: false }]);
  });

  it('names cause and remedy, and the way back', () => {
    const error = new ApiError({ code: 'quota', cause: 'Used up.', remedy: 'Wait.' }, 409);
    let opened = 0;
    notifier().failed(
      error,
      offerOptions(trans, error, () => (opened += 1))
    );
    expect(notes).toMatchObject([{ tone: 'error', message: 'Used up. Wait.', autoClose: false }]);
    notes[0].actions[0].callback();
    expect(opened).toBe(1);
  });

  it('offers no options where none would help', () => {
    const error = new ApiError({ code: 'server_unreachable' }, 0);
    expect(offerOptions(trans, error, () => undefined)).toEqual([]);
  });
});

describe('a run sent', () => {
  it('says that the tab may be closed', () => {
    notifier().submitted(jobWire());
    expect(notes[0].message).toBe(
      'Train digits is on Kaggle. It runs there: you can close this tab, or the computer.'
    );
    notes[0].actions[0].callback();
    expect(actions.showSidebar).toHaveBeenCalled();
  });

  it('does not say so of the emulator, which is this computer', () => {
    notifier().submitted(jobWire({ endpoint: emulatorAccount().endpoint }));
    expect(notes[0].message).toBe('Train digits runs on the emulator. You can close this tab.');
  });

  it('says what it waits for', () => {
    notifier().submitted(jobWire({ status: 'waiting', message: '2 GPU sessions run already.' }));
    expect(notes[0].message).toContain('waits: 2 GPU sessions run already.');
  });

  it('says when it was only saved', () => {
    notifier().submitted(jobWire({ save_only: true }));
    expect(notes[0].message).toContain('without running');
  });
});

describe('settings', () => {
  it.each([
    ['all', 3],
    ['ended', 2],
    ['failed', 1],
    ['none', 0]
  ] as const)('%s', async (notifyAbout, shown) => {
    settings = { ...DEFAULT_SETTINGS, notifyAbout };
    const one = notifier();
    one.submitted(jobWire());
    lab.jobs = [jobWire({ id: 'a', status: 'running' }), jobWire({ id: 'b', status: 'running' })];
    await lab.model.start();
    lab.jobs = [
      jobWire({ id: 'a', status: 'complete', seq: 2 }),
      jobWire({ id: 'b', status: 'error', seq: 3 })
    ];
    await lab.model.refreshJobs();
    expect(notes).toHaveLength(shown);
  });

  it('let the browser tell it only while nobody looks', async () => {
    settings = { ...DEFAULT_SETTINGS, desktopNotifications: true };
    const one = notifier();
    one.submitted(jobWire());
    hidden = true;
    one.submitted(jobWire({ title: 'Other' }));
    settings = DEFAULT_SETTINGS;
    one.submitted(jobWire());
    expect(desktop).toEqual([expect.stringContaining('Kaggle Lab: Other is on Kaggle.')]);
  });
});
