import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { createSidebar, type SidebarWidget } from '../sidebar';
import { elapsedSeconds } from '../sidebar/elapsed';
import { isOtherMachine } from '../sidebar/machine';
import type { Job } from '../wire';
import { accountWire, emulatorAccount, jobWire, quotaWire } from './factory';
import { trans } from './lab-server';
import { actions, button, ended, endedRow, lab, open, draw, press, region, running } from './sidebar-stage';

describe('the account', () => {
  it('says who is signed in and, unfolded, how', async () => {
    await open();
    expect(screen.getByText('ada')).toBeTruthy();
    expect(screen.queryByText('EMULATOR')).toBeNull();
    press('Account');
    expect(screen.getByText('Signed in with an access token from ~/.kaggle/access_token.')).toBeTruthy();
    expect(button('Account').getAttribute('aria-expanded')).toBe('true');
  });

  it('never lets the emulator pass for Kaggle', async () => {
    lab.account = emulatorAccount();
    await open(running({ endpoint: lab.account.endpoint }));
    expect(screen.getAllByText('EMULATOR')).toHaveLength(2);
    press('Account');
    expect(screen.getByText(/Runs stay on this computer/)).toBeTruthy();
    lab.account = accountWire();
    press('Leave the emulator');
    await screen.findByText('ada');
    expect(lab.sent('DELETE account/emulator')).toHaveLength(1);
    // The run itself is still one of the emulator's.
    expect(screen.getAllByText('EMULATOR')).toHaveLength(1);
  });

  it('shows why signing out failed', async () => {
    lab.refuse('DELETE account', 409, {
      cause: 'The token comes from KAGGLE_API_TOKEN.',
      remedy: 'Unset it.'
    });
    await open();
    press('Account');
    press('Sign out');
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('The token comes from KAGGLE_API_TOKEN.Unset it.');
    expect(screen.getByText('ada')).toBeTruthy();
  });

  it('keeps what was known last while Kaggle cannot be reached', async () => {
    lab.account = accountWire({ state: 'unreachable', message: 'No answer within 30 s.' });
    await open(running());
    expect(screen.getByText(/Kaggle cannot be reached\..*No answer within 30 s\./)).toBeTruthy();
    expect(screen.getByText('Train digits')).toBeTruthy();
    lab.account = accountWire();
    press('Try again');
    await waitFor(() => expect(screen.queryByText(/Kaggle cannot be reached/)).toBeNull());
  });

  it('explains a missing server half once, without a second complaint', async () => {
    for (const line of ['GET account', 'GET quota', 'GET accelerators', 'GET jobs']) {
      lab.answers.set(line, () => ({ status: 404, body: {} }));
    }
    await open();
    expect(screen.getAllByText('The server half of Kaggle Lab is not running.')).toHaveLength(1);
  });
});

describe('signing in', () => {
  beforeEach(() => {
    lab.account = accountWire({ state: 'signed_out', username: '', method: 'none', source: '' });
  });

  const token = (): HTMLInputElement => screen.getByLabelText('Access token');

  it('checks a pasted token and never shows it', async () => {
    await open();
    expect(token().type).toBe('password');
    expect(button('Check and sign in').disabled).toBe(true);
    expect(screen.getByRole<HTMLAnchorElement>('link').href).toBe('https://www.kaggle.com/settings');
    expect(screen.getByText(/kept in ~\/\.kaggle on the Jupyter server/)).toBeTruthy();
    fireEvent.change(token(), { target: { value: '  secret-token ' } });
    lab.account = accountWire();
    press('Check and sign in');
    await screen.findByText('ada');
    expect(lab.sent('POST account')).toEqual([{ token: 'secret-token' }]);
    expect(screen.queryByLabelText('Access token')).toBeNull();
    expect(document.body.innerHTML).not.toContain('secret-token');
  });

  it('says why a token was refused and keeps it for correction', async () => {
    lab.refuse('POST account', 422, {
      code: 'bad_credentials',
      cause: 'Kaggle does not accept this token.',
      remedy: 'Create a new one.'
    });
    await open();
    fireEvent.change(token(), { target: { value: 'wrong' } });
    press('Check and sign in');
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toBe('Kaggle does not accept this token.Create a new one.');
    expect(token().value).toBe('wrong');
    expect(token().getAttribute('aria-invalid')).toBe('true');
  });

  it('sends one request however often it is pressed', async () => {
    let answer: () => void = () => undefined;
    const gate = new Promise<void>(resolve => (answer = resolve));
    lab.answers.set('POST account', async () => {
      await gate;
      return { status: 200, body: accountWire() };
    });
    await open();
    fireEvent.change(token(), { target: { value: 'token' } });
    press('Check and sign in');
    await screen.findByRole('button', { name: 'Checking with Kaggle…' });
    fireEvent.submit(token().form!);
    await act(async () => answer());
    await screen.findByText('ada');
    expect(lab.sent('POST account')).toHaveLength(1);
  });

  it('offers the emulator', async () => {
    await open();
    expect(screen.queryByText(/Weekly quota/)).toBeNull();
    lab.account = emulatorAccount();
    press('Try the emulator');
    await screen.findByText('EMULATOR');
    expect(lab.sent('POST account/emulator')).toHaveLength(1);
  });
});

describe('the quota', () => {
  it('tells used, reserved and left hours to eyes and ears', async () => {
    const soon = new Date(Date.now() + 52 * 3600_000 + 30_000).toISOString();
    lab.quota = quotaWire({
      gpu: { used_s: 36_000, reserved_s: 3600, allowed_s: 108_000, left_s: 68_400 },
      tpu: null,
      refreshes_at: soon
    });
    await open();
    const meter = screen.getByRole('meter', { name: 'GPU hours this week' });
    expect(meter.getAttribute('aria-valuemax')).toBe('30');
    expect(meter.getAttribute('aria-valuenow')).toBe('11');
    expect(meter.getAttribute('aria-valuetext')).toBe('19 h left of 30 h · 10 h used · 1 h reserved');
    expect(screen.getByText('resets in 2 d 4 h')).toBeTruthy();
    expect(screen.getByText('not reported by Kaggle')).toBeTruthy();
  });

  it('shows the last known hours with their age when Kaggle cannot be asked', async () => {
    lab.quota = quotaWire({ fetched_at: new Date(Date.now() - 7 * 60_000).toISOString() });
    await open();
    lab.refuse('GET quota', 503, { cause: 'Kaggle is busy.' });
    await act(() => lab.model.refreshQuota(true));
    expect(screen.getByText('As of 7 min ago. Kaggle is busy.')).toBeTruthy();
    expect(screen.getAllByRole('meter')).toHaveLength(2);
  });
});

describe('running jobs', () => {
  it('shows state, elapsed time, machine, cell and last line', async () => {
    await open(
      running({
        hardware: '2 x Tesla T4 (15360 MiB), 4 CPU, 31 GB RAM',
        progress: { cell: 3, cells: 12, done: false },
        last_line: '\r 10%\r \u001b[32m50%\u001b[0m done'
      })
    );
    const card = region('Running');
    expect(within(card).getByText('Running', { selector: '.jp-KaggleLab-status' })).toBeTruthy();
    expect(within(card).getByRole('timer').textContent).toMatch(/^1 min \d+ s$/);
    expect(within(card).getByText('GPU T4 x2')).toBeTruthy();
    expect(within(card).getByText('got 2 x Tesla T4 (15360 MiB), 4 CPU, 31 GB RAM')).toBeTruthy();
    expect(within(card).getByRole('progressbar').getAttribute('aria-valuetext')).toBe('cell 3 of 12');
    expect(within(card).getByText('50% done')).toBeTruthy();
  });

  it('lets the clock tick, and stops it when the run has ended', async () => {
    jest.useFakeTimers({
      now: Date.parse('2026-11-21T09:00:00Z'),
      doNotFake: ['queueMicrotask', 'nextTick']
    });
    try {
      lab.jobs = [running({ started_at: '2026-11-21T08:59:50Z' })];
      await act(() => lab.model.start());
      draw();
      expect(screen.getByRole('timer').textContent).toBe('10 s');
      act(() => void jest.advanceTimersByTime(5000));
      expect(screen.getByRole('timer').textContent).toBe('15 s');
    } finally {
      jest.useRealTimers();
    }
  });

  it('changes with each piece of news', async () => {
    await open(jobWire({ status: 'queued' }));
    expect(screen.getByText('Queued')).toBeTruthy();
    await act(async () => lab.put({ ...lab.jobs[0], status: 'running', last_line: 'epoch 1' }));
    await screen.findByText('epoch 1');
    await act(async () =>
      lab.put({ ...lab.jobs[0], status: 'complete', ended_at: new Date().toISOString() })
    );
    await waitFor(() => expect(screen.queryByRole('region', { name: 'Running' })).toBeNull());
    expect(endedRow().textContent).toContain('Complete');
  });

  it('warns of another machine than asked for', async () => {
    await open(running({ hardware: '1 x Tesla P100 (16280 MiB), 4 CPU' }));
    expect(screen.getByText('⚠ got 1 x Tesla P100 (16280 MiB), 4 CPU, not what was asked for')).toBeTruthy();
  });

  it('tells not hearing from Kaggle apart from failing', async () => {
    const heard = new Date(Date.now() - 3 * 3600_000).toISOString();
    await open(running({ trouble: 'The network is down.', last_heard_at: heard }));
    expect(screen.getByText('Last heard 3 h ago. The network is down.')).toBeTruthy();
    expect(region('Running').textContent).not.toContain('Failed');
  });

  it('asks before it stops, and says Stopping until Kaggle confirms', async () => {
    await open(running());
    press('Stop');
    const question = screen.getByRole('group', { name: 'Stop this run?' });
    expect(document.activeElement).toBe(within(question).getByRole('button', { name: 'Stop it' }));
    press('Keep running');
    expect(lab.sent('POST jobs/job-1/stop')).toHaveLength(0);
    expect(document.activeElement).toBe(button('Stop'));

    press('Stop');
    fireEvent.keyDown(screen.getByRole('group'), { key: 'Escape' });
    expect(lab.sent('POST jobs/job-1/stop')).toHaveLength(0);

    press('Stop');
    press('Stop it');
    await screen.findByText('Stopping…', { selector: '.jp-KaggleLab-status' });
    expect(lab.sent('POST jobs/job-1/stop')).toHaveLength(1);
    expect(button('Stopping…').disabled).toBe(true);

    await act(async () =>
      lab.put({ ...lab.jobs[0], status: 'cancelled', ended_at: new Date().toISOString() })
    );
    await waitFor(() => expect(endedRow().textContent).toContain('Stopped'));
  });

  it('goes on as before when stopping was refused, and says why', async () => {
    lab.refuse('POST jobs/job-1/stop', 502, {
      cause: 'Kaggle refused to stop it.',
      remedy: 'Stop it on Kaggle.'
    });
    await open(running());
    press('Stop');
    press('Stop it');
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('Kaggle refused to stop it.Stop it on Kaggle.');
    expect(screen.getByText('Running', { selector: '.jp-KaggleLab-status' })).toBeTruthy();
    expect(button('Stop').disabled).toBe(false);
  });

  it('opens the log and the page on Kaggle', async () => {
    await open(running());
    press('Log');
    press('Open on Kaggle');
    expect(actions.openLog).toHaveBeenCalledWith('job-1');
    expect(actions.openOnKaggle.mock.calls[0][0].id).toBe('job-1');
  });
});

describe('before the first run', () => {
  it('teaches how to begin', async () => {
    await open();
    expect(screen.getByText('No runs yet')).toBeTruthy();
    press('Run the notebook in front');
    expect(actions.submitCurrent).toHaveBeenCalledTimes(1);
  });

  it('does not say that there are no runs before it knows', async () => {
    draw();
    expect(screen.queryByText('No runs yet')).toBeNull();
    expect(screen.getByText('Loading…')).toBeTruthy();
  });
});

it.each<[string, Partial<Job>, boolean]>([
  ['the machine asked for', { hardware: '2 x Tesla T4 (15360 MiB), 4 CPU' }, false],
  ['one card of two', { hardware: '1 x Tesla T4 (15360 MiB), 4 CPU' }, true],
  ['another card', { hardware: '1 x Tesla P100 (16280 MiB), 4 CPU' }, true],
  ['no card', { hardware: 'no GPU or TPU, 4 CPU' }, true],
  ['nothing reported yet', { hardware: '' }, false],
  ['a TPU of the right size', { accelerator: 'tpu-v5e-8', hardware: 'TPU, 8 chips, 224 CPU' }, false],
  ['a TPU with missing chips', { accelerator: 'tpu-v5e-8', hardware: 'TPU, 4 chips, 224 CPU' }, true],
  ['no TPU', { accelerator: 'tpu', hardware: 'no GPU or TPU, 4 CPU' }, true],
  ['a CPU', { accelerator: 'none', hardware: 'no GPU or TPU, 4 CPU' }, false],
  ['a card nobody asked for', { accelerator: 'none', hardware: '1 x Tesla T4 (15360 MiB), 4 CPU' }, true],
  ['a shape the table does not know', { accelerator: 'Quantum', hardware: '1 x Tesla T4, 4 CPU' }, false]
])('sees whether it is another machine: %s', async (_, job, expected) => {
  await lab.model.refreshAccelerators();
  expect(isOtherMachine(jobWire(job), lab.model.accelerators.value)).toBe(expected);
});

it('never shows a time before the start, whatever the clocks say', () => {
  expect(
    elapsedSeconds(running({ started_at: '2026-11-21T08:00:10Z' }), Date.parse('2026-11-21T08:00:00Z'))
  ).toBe(0);
  expect(elapsedSeconds(ended({ started_at: null }), 0)).toBeUndefined();
});

describe('the sidebar widget', () => {
  it('asks for nothing until it is seen, then shows the account and can show a run', async () => {
    lab.jobs = [ended()];
    const widget = createSidebar({ model: lab.model, trans, actions }) as SidebarWidget;
    widget.hide();
    await act(async () => {
      Widget.attach(widget, document.body);
      MessageLoop.flush();
    });
    expect(lab.requests).toEqual([]);
    await act(async () => {
      widget.show();
      MessageLoop.flush();
    });
    await waitFor(() => expect(widget.node.textContent).toContain('ada'));
    await waitFor(() => expect(widget.node.textContent).toContain('Train digits'));
    await act(async () => {
      widget.showJob('job-1');
      MessageLoop.flush();
    });
    await waitFor(() => expect(widget.node.querySelector('[data-job-id="job-1"] h3')).not.toBeNull());
    await act(async () => widget.dispose());
  });
});
