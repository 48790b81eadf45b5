import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import axe from 'axe-core';
import type { Job } from '../wire';
import { accountWire, manyJobs } from './factory';
import { actions, button, ended, endedRow, lab, open, press, region, running } from './sidebar-stage';

describe('history', () => {
  const list = (): HTMLElement => screen.getByRole('listbox', { name: 'Ended runs' });
  const titles = (): string[] =>
    within(list())
      .getAllByRole('option')
      .map(row => row.querySelector('.jp-KaggleLab-title')!.textContent!);

  it('draws only a window of 10,000 runs and gets older ones at its end', async () => {
    await open(...manyJobs(10_000));
    expect(titles()[0]).toBe('Run 10000');
    expect(titles().length).toBeLessThan(30);
    expect(lab.model.jobs.length).toBe(100);
    expect(button('Load 9900 older runs')).toBeTruthy();
    for (let loaded = 100; loaded < 1000; loaded += 100) {
      list().scrollTop = loaded * 48 - 400;
      fireEvent.scroll(list());
      await waitFor(() => expect(lab.model.jobs.length).toBe(loaded + 100));
    }
    expect(titles().length).toBeLessThan(30);
    expect(titles()).toContain('Run 9100');
  });

  it('stays small with all 10,000 runs loaded', async () => {
    await open(...manyJobs(10_000));
    await act(async () => {
      while (lab.model.hasMore) {
        await lab.model.loadMore();
      }
    });
    list().scrollTop = 9_000 * 48;
    fireEvent.scroll(list());
    expect(titles()).toContain('Run 1000');
    expect(list().querySelectorAll('[role="option"]').length).toBeLessThan(30);
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'Run 777' } });
    expect(titles().slice(0, 2)).toEqual(['Run 9777', 'Run 8777']);
  });

  it('filters by title, notebook and status word', async () => {
    await open(
      ended({ id: 'c', title: 'Digits', notebook_path: 'x/one.ipynb' }),
      ended({ id: 'b', title: 'Faces', status: 'error', notebook_path: 'y/two.ipynb', ref: null }),
      ended({ id: 'a', title: 'Digits again', status: 'cancelled', notebook_path: 'x/three.ipynb' })
    );
    const filter = screen.getByRole('textbox', { name: 'Filter runs by title or status' });
    const type = (value: string): void => void fireEvent.change(filter, { target: { value } });
    type('digits');
    expect(titles()).toEqual(['Digits', 'Digits again']);
    type('failed');
    expect(titles()).toEqual(['Faces']);
    type('digits stopped');
    expect(titles()).toEqual(['Digits again']);
    type('y/two');
    expect(titles()).toEqual(['Faces']);
    type('nothing');
    expect(screen.getByText('No loaded run matches.')).toBeTruthy();
    type('');
    fireEvent.change(screen.getByRole('combobox', { name: 'Show only' }), { target: { value: 'good' } });
    expect(titles()).toEqual(['Digits']);
  });

  it('keeps the filter while a run is looked at', async () => {
    await open(ended({ id: 'b', title: 'Digits' }), ended({ id: 'a', title: 'Faces', status: 'error' }));
    const filter = (): HTMLInputElement => screen.getByRole<HTMLInputElement>('textbox');
    fireEvent.change(filter(), { target: { value: 'faces' } });
    fireEvent.click(endedRow());
    await waitFor(() => expect(lab.sent('GET jobs/a/outputs')).toHaveLength(1));
    press('All runs');
    expect(filter().value).toBe('faces');
    expect(document.activeElement).toBe(list());
    filter().focus();
    fireEvent.change(filter(), { target: { value: '' } });
    expect(titles()).toEqual(['Digits', 'Faces']);
    expect(document.activeElement).toBe(filter());
  });

  it('does not page through everything for a filter, but offers to', async () => {
    await open(...manyJobs(250));
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'Run 5' } });
    fireEvent.scroll(screen.queryByRole('listbox') ?? document.body);
    expect(lab.model.jobs).toHaveLength(100);
    press('Look through 150 older runs');
    await screen.findByRole('button', { name: 'Look through 50 older runs' });
    press('Look through 50 older runs');
    await waitFor(() => expect(lab.model.jobs).toHaveLength(250));
    expect(screen.queryByRole('button', { name: /older run/ })).toBeNull();
  });

  it('is driven by the keyboard', async () => {
    await open(
      ended({ id: 'c', title: 'A' }),
      ended({ id: 'b', title: 'B' }),
      ended({ id: 'a', title: 'C' })
    );
    const active = (): string =>
      document.getElementById(list().getAttribute('aria-activedescendant')!)!.textContent!;
    expect(active()).toContain('A');
    fireEvent.keyDown(list(), { key: 'ArrowDown' });
    expect(active()).toContain('B');
    fireEvent.keyDown(list(), { key: 'End' });
    expect(active()).toContain('C');
    fireEvent.keyDown(list(), { key: 'Enter' });
    const heading = await screen.findByRole('heading', { name: 'C' });
    expect(document.activeElement).toBe(heading);
    await waitFor(() => expect(lab.sent('GET jobs/a/outputs')).toHaveLength(1));
    fireEvent.keyDown(heading, { key: 'Escape' });
    expect(document.activeElement).toBe(list());
    expect(active()).toContain('C');
  });

  it('keeps the runs it has when the list cannot be renewed', async () => {
    await open(ended());
    lab.refuse('GET jobs', 500, { cause: 'The store is locked.' });
    await act(() => lab.model.refreshJobs());
    expect(screen.getByRole('alert').textContent).toContain('The store is locked.');
    expect(titles()).toEqual(['Train digits']);
  });
});

describe('the page of a run', () => {
  async function openPage(job: Job): Promise<void> {
    await open(job);
    fireEvent.click(endedRow());
    await screen.findByRole('region', { name: 'Facts' });
    await waitFor(() => expect(lab.sent(`GET jobs/${job.id}`)).toHaveLength(1));
  }

  it('shows facts, message, remedy, warnings and what happened', async () => {
    lab.history = [
      { at: '2026-11-21T08:00:01Z', status: 'queued', note: '' },
      { at: '2026-11-21T08:04:20Z', status: 'error', note: 'Kaggle says ERROR' }
    ];
    await openPage(
      ended({
        status: 'error',
        message: 'Cell 3 raised ValueError.',
        remedy: 'Correct the cell and run again.',
        warnings: ['The dataset ada/iris was not attached.'],
        time_cap_s: 7200
      })
    );
    expect(screen.getByText('Cell 3 raised ValueError.')).toBeTruthy();
    expect(screen.getByText('Correct the cell and run again.')).toBeTruthy();
    expect(within(screen.getByRole('list', { name: 'Warnings' })).getByText(/ada\/iris/)).toBeTruthy();
    const facts = region('Facts').textContent;
    expect(facts).toContain('ada/train-digits v3');
    expect(facts).toContain('Time limit2 h');
    expect(screen.getByText('3 min 20 s')).toBeTruthy();
    await waitFor(() => expect(region('What happened').textContent).toContain('Kaggle says ERROR'));
  });

  it('runs again, opens the log and the notebook', async () => {
    await openPage(ended());
    press('Run again');
    press('Log');
    press('work/train.ipynb');
    expect(actions.runAgain).toHaveBeenCalledWith('job-1');
    expect(actions.openLog).toHaveBeenCalledWith('job-1');
    expect(actions.openFile).toHaveBeenCalledWith('work/train.ipynb');
  });

  it('asks before it removes, and goes back to the list', async () => {
    await openPage(ended());
    press('Remove');
    expect(screen.getByText('Remove from this list? Files and Kaggle stay as they are.')).toBeTruthy();
    press('Remove it');
    await screen.findByText('No runs yet');
    expect(lab.sent('DELETE jobs/job-1')).toHaveLength(1);
  });

  it('offers neither outputs nor a stop for a push that Kaggle refused', async () => {
    await openPage(ended({ status: 'rejected', message: 'The title is taken.', url: '', started_at: null }));
    expect(screen.queryByRole('region', { name: 'Outputs' })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Stop' })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Open on Kaggle' })).toBeNull();
    expect(screen.getByText('The title is taken.')).toBeTruthy();
  });
});

describe('accessibility', () => {
  beforeEach(() => {
    // jsdom has no canvas, and complains when one is asked for.
    jest.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
  });

  async function problems(): Promise<string[]> {
    // jsdom lays nothing out, so colours and positions are for the browser tests.
    const options = { rules: { 'color-contrast': { enabled: false }, region: { enabled: false } } };
    const { violations } = await act(() => axe.run(document.body, options));
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ')}`);
  }

  it('has no known barrier in the overview', async () => {
    await open(running({ progress: { cell: 1, cells: 2, done: false }, trouble: 'x' }), ...manyJobs(20));
    press('Stop');
    expect(await problems()).toEqual([]);
  });

  it('has no known barrier on the sign-in card', async () => {
    lab.account = accountWire({ state: 'signed_out' });
    await open();
    expect(await problems()).toEqual([]);
  });

  it('has no known barrier on the page of a run', async () => {
    const files = ['a/b.txt', 'c.txt'].map(name => ({
      name,
      size: 1,
      state: 'listed' as const,
      received: 0,
      path: '',
      sha256: '',
      message: ''
    }));
    lab.outputs.set('job-1', { retrieval: 'none', folder: '', message: '', files });
    await open(ended({ warnings: ['w'], message: 'm' }));
    fireEvent.click(endedRow());
    await screen.findByRole('tree');
    expect(await problems()).toEqual([]);
  });
});
