import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import * as React from 'react';
import { OutputsTree } from '../outputs';
import { buildTree, fileNames, treeRows } from '../outputs/tree';
import type { Job, OutputFile, Outputs } from '../wire';
import { jobWire } from './factory';
import { actionsSpy, giveElementsHeight, Lab, trans } from './lab-server';

function file(name: string, changes: Partial<OutputFile> = {}): OutputFile {
  return { name, size: 1024, state: 'listed', received: 0, path: '', sha256: '', message: '', ...changes };
}

function here(name: string, changes: Partial<OutputFile> = {}): OutputFile {
  return file(name, { state: 'done', received: 1024, path: `kaggle-output/train/v3/${name}`, ...changes });
}

describe('the tree of files', () => {
  it('puts folders first, in the order people count, and sums what lies below', () => {
    const root = buildTree([
      file('b10.txt'),
      file('b9.txt'),
      file('z/y/deep.bin', { size: 5 }),
      file('z/a.txt')
    ]);
    expect(treeRows(root, new Set()).map(({ path, level }) => [path, level])).toEqual([
      ['z', 1],
      ['z/y', 2],
      ['z/y/deep.bin', 3],
      ['z/a.txt', 2],
      ['b9.txt', 1],
      ['b10.txt', 1]
    ]);
    const z = root.folders.get('z')!;
    expect([z.count, z.size]).toEqual([2, 1029]);
  });

  it('leaves out what is in closed folders, and still names it', () => {
    const root = buildTree([file('z/a.txt'), file('z/b.txt'), file('c.txt')]);
    const rows = treeRows(root, new Set(['z']));
    expect(rows.map(row => row.path)).toEqual(['z', 'c.txt']);
    expect(fileNames(rows[0])).toEqual(['z/a.txt', 'z/b.txt']);
  });
});

describe('OutputsTree', () => {
  let lab: Lab;
  let actions: ReturnType<typeof actionsSpy>;

  beforeEach(() => {
    giveElementsHeight();
    lab = new Lab();
    actions = actionsSpy();
  });

  afterEach(() => lab.model.dispose());

  async function open(job: Partial<Job>, files: OutputFile[], changes: Partial<Outputs> = {}): Promise<void> {
    lab.jobs = [jobWire({ status: 'complete', ...job })];
    setFiles(files, changes);
    await lab.model.start();
    render(<OutputsTree model={lab.model} trans={trans} actions={actions} jobId="job-1" />);
  }

  function setFiles(files: OutputFile[], changes: Partial<Outputs> = {}): void {
    const folder = 'kaggle-output/train/v3';
    lab.outputs.set('job-1', { retrieval: lab.jobs[0].retrieval, folder, message: '', files, ...changes });
  }

  const tree = (): Promise<HTMLElement> => screen.findByRole('tree', { name: 'Output files' });
  const item = (name: RegExp): HTMLElement => screen.getByRole('treeitem', { name });
  const current = (): string =>
    document.getElementById(screen.getByRole('tree').getAttribute('aria-activedescendant')!)!.title;

  it('asks for no list while the run is live, and says why', async () => {
    await open({ status: 'running' }, [file('a.txt')]);
    expect(screen.getByText('Kaggle lists the files of a run when it has ended.')).toBeTruthy();
    expect(lab.sent('GET jobs/job-1/outputs')).toHaveLength(0);
    await act(async () => lab.put({ ...lab.jobs[0], status: 'complete' }));
    expect(within(await tree()).getAllByRole('treeitem')).toHaveLength(1);
  });

  it('shows sizes and what there is in all', async () => {
    await open({}, [file('model.pt', { size: 5 * 1024 * 1024 }), file('notes/readme.md', { size: null })]);
    await tree();
    expect(item(/model\.pt/).textContent).toContain('5.0 MiB');
    expect(item(/readme\.md/).textContent).toContain('size unknown');
    expect(screen.getByText('2 files, 5.0 MiB. None is in the workspace yet.')).toBeTruthy();
  });

  it('fetches all files, some, or one', async () => {
    await open({}, [file('a.txt'), file('b.txt'), file('c.txt')]);
    await tree();
    fireEvent.click(screen.getByRole('button', { name: 'Get all, 3.0 KiB' }));
    await waitFor(() => expect(lab.sent('POST jobs/job-1/outputs')).toEqual([{ names: null, folder: null }]));
    fireEvent.click(await screen.findByRole('checkbox', { name: 'Choose a.txt' }));
    fireEvent.click(screen.getByRole('checkbox', { name: 'Choose c.txt' }));
    await waitFor(() =>
      expect(screen.getByRole<HTMLButtonElement>('button', { name: /^Get 2 chosen files/ }).disabled).toBe(
        false
      )
    );
    fireEvent.click(screen.getByRole('button', { name: 'Get 2 chosen files, 2.0 KiB' }));
    await waitFor(() =>
      expect(lab.sent('POST jobs/job-1/outputs')[1]).toEqual({ names: ['a.txt', 'c.txt'], folder: null })
    );
    fireEvent.click(screen.getByRole('button', { name: 'Get b.txt' }));
    await waitFor(() =>
      expect(lab.sent('POST jobs/job-1/outputs')[2]).toEqual({ names: ['b.txt'], folder: null })
    );
  });

  it('opens, downloads and reveals what is in the workspace', async () => {
    await open({ retrieval: 'complete' }, [here('model.pt')]);
    await tree();
    expect(screen.getByText('1 file, 1.0 KiB. All are in kaggle-output/train/v3.')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Open model.pt' }));
    fireEvent.click(screen.getByRole('button', { name: 'Download model.pt to this computer' }));
    fireEvent.click(screen.getByRole('button', { name: 'Show folder' }));
    expect(actions.openFile).toHaveBeenCalledWith('kaggle-output/train/v3/model.pt');
    expect(actions.downloadFile).toHaveBeenCalledWith('kaggle-output/train/v3/model.pt');
    expect(actions.revealFolder).toHaveBeenCalledWith('kaggle-output/train/v3');
    expect(screen.queryByRole('button', { name: /^Get/ })).toBeNull();
  });

  it('follows files as they come in', async () => {
    await open({ retrieval: 'running' }, [
      file('big.bin', { state: 'receiving', received: 256 }),
      here('a.txt')
    ]);
    await tree();
    expect(item(/big\.bin/).textContent).toContain('25 %');
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('62');
    expect(screen.getByText(/Fetching: 1 of 2 are here\./)).toBeTruthy();
    setFiles([here('big.bin'), here('a.txt')], { retrieval: 'complete' });
    await act(async () => lab.put({ ...lab.jobs[0], retrieval: 'complete' }));
    await screen.findByText('2 files, 2.0 KiB. All are in kaggle-output/train/v3.');
    expect(screen.getByRole('button', { name: 'Open big.bin' })).toBeTruthy();
    expect(screen.queryByRole('progressbar')).toBeNull();
  });

  it('says which files were refused or failed, and why', async () => {
    await open({ retrieval: 'partial' }, [
      file('../../x', { state: 'refused', message: 'It would leave the folder.' }),
      file('b.bin', { state: 'failed', message: 'The link expired.' }),
      here('c.txt')
    ]);
    await tree();
    expect(item(/^Choose x/).textContent).toContain('refused');
    expect(item(/b\.bin/).textContent).toContain('failed');
    const remarks = within(screen.getByRole('list', { name: 'Remarks on files' })).getAllByRole('listitem');
    expect(remarks.map(remark => remark.textContent)).toEqual([
      '../../x: It would leave the folder.',
      'b.bin: The link expired.'
    ]);
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Get x' }).disabled).toBe(true);
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Get b.bin' }).disabled).toBe(false);
  });

  it('is driven by the keyboard', async () => {
    await open({ retrieval: 'partial' }, [here('plots/a.png'), file('plots/b.png'), file('z.txt')]);
    const list = await tree();
    const press = (key: string): void => void fireEvent.keyDown(list, { key });
    expect(current()).toBe('plots');
    press('ArrowLeft');
    expect(item(/plots/).getAttribute('aria-expanded')).toBe('false');
    expect(within(list).getAllByRole('treeitem')).toHaveLength(2);
    press('ArrowRight');
    expect(item(/plots/).getAttribute('aria-expanded')).toBe('true');
    press('ArrowRight');
    expect(current()).toBe('plots/a.png');
    press('Enter');
    expect(actions.openFile).toHaveBeenCalledWith('kaggle-output/train/v3/plots/a.png');
    press('ArrowLeft');
    expect(current()).toBe('plots');
    press(' ');
    expect(screen.getByRole('button', { name: 'Get 2 chosen files, 2.0 KiB' })).toBeTruthy();
    expect(item(/b\.png/).getAttribute('aria-selected')).toBe('true');
    press('End');
    expect(current()).toBe('z.txt');
    press('Enter');
    await waitFor(() =>
      expect(lab.sent('POST jobs/job-1/outputs')).toEqual([{ names: ['z.txt'], folder: null }])
    );
  });

  it('draws only a window of 20,000 files', async () => {
    await open(
      {},
      Array.from({ length: 20_000 }, (_, index) => file(`img/${index}.png`))
    );
    const list = await tree();
    expect(within(list).getAllByRole('treeitem').length).toBeLessThan(60);
    fireEvent.keyDown(list, { key: 'End' });
    expect(current()).toBe('img/19999.png');
  });

  it('says that a run left nothing, and looks again when asked', async () => {
    await open({}, []);
    await screen.findByText(/The run left no files/);
    setFiles([file('late.txt')]);
    fireEvent.click(screen.getByRole('button', { name: 'Look again' }));
    expect(within(await tree()).getByRole('treeitem', { name: /late\.txt/ })).toBeTruthy();
  });

  it('shows why the list cannot be had and asks again', async () => {
    lab.refuse('GET jobs/job-1/outputs', 503, {
      cause: 'Kaggle cannot be reached.',
      remedy: 'Wait a little.'
    });
    await open({}, [file('a.txt')]);
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('Kaggle cannot be reached.');
    expect(alert.textContent).toContain('Wait a little.');
    lab.answers.clear();
    fireEvent.click(within(alert).getByRole('button', { name: 'Try again' }));
    await tree();
    expect(screen.queryByRole('alert')).toBeNull();
  });
});
