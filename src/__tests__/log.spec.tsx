import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { createLogView } from '../log';
import { plainText, segments } from '../log/ansi';
import { clockText } from '../log/log-row';
import { LogView } from '../log/log-view';
import { columnsOf, LogRows } from '../log/rows';
import { LogSearch, markSegments } from '../log/search';
import type { ILogModel } from '../tokens';
import type { Job, LogLine } from '../wire';
import { jobWire, logLine } from './factory';
import { actionsSpy, giveElementsHeight, Lab, trans, VIEW_HEIGHT } from './lab-server';

const ROW = 17;
const ESC = '\u001b[';

function rowsOf(...lines: [text: string, stream?: string][]): string[] {
  const rows = new LogRows();
  lines.forEach(([text, stream = 'stdout'], n) => rows.append({ n, stream, time_s: n, text }));
  return rows.rows.map(row => row.text);
}

describe('LogRows', () => {
  it('makes a row of each line, with or without its end', () => {
    expect(rowsOf(['one\n'], ['two\n'])).toEqual(['one', 'two']);
    expect(rowsOf(['one'], ['two'])).toEqual(['one', 'two']);
  });

  it('makes many rows of a record with many lines, empty ones too', () => {
    expect(rowsOf(['a\n\nb\n'])).toEqual(['a', '', 'b']);
  });

  it('drops the carriage return of a Windows line end', () => {
    expect(rowsOf(['a\r\n'], ['b\r\n'])).toEqual(['a', 'b']);
  });

  it('redraws one row for a progress bar, whether lines keep their ends or not', () => {
    expect(rowsOf(['start\n'], ['\r 10%'], ['\r 50%'], ['\r100%\n'], ['done\n'])).toEqual([
      'start',
      '100%',
      'done'
    ]);
    expect(rowsOf(['start'], ['\r 10%'], ['\r 50%'], ['done'])).toEqual(['start', ' 50%', 'done']);
  });

  it('keeps a finished bar when the next one begins', () => {
    expect(rowsOf(['\r 50%'], ['\r100% a'], ['\r100% b'], ['\r  0%'], ['\r 20%'])).toEqual([
      '100% b',
      ' 20%'
    ]);
  });

  it('redraws for bars that put the carriage return at the end', () => {
    expect(rowsOf(['10%\r'], ['20%\r'], ['30%\r'])).toEqual(['30%']);
  });

  it('shows the last drawing of a record that redraws itself', () => {
    expect(rowsOf(['\r 1/3\r 2/3\r 3/3\n'])).toEqual([' 3/3']);
  });

  it('continues a line that came without its end, where lines have ends', () => {
    expect(rowsOf(['x\n'], ['loss: '], ['0.5\n'], ['next\n'])).toEqual(['x', 'loss: 0.5', 'next']);
  });

  it('never redraws a row of the other stream', () => {
    expect(rowsOf(['\r 10%', 'stderr'], ['\rhello\n', 'stdout'])).toEqual([' 10%', 'hello']);
  });
});

describe('ANSI colours', () => {
  it('leaves plain text alone', () => {
    expect(segments('plain')).toEqual([{ text: 'plain', className: '' }]);
    expect(segments('')).toEqual([]);
  });

  it('gives the classes JupyterLab has for terminal colours', () => {
    const parts = segments(`${ESC}31mred${ESC}0m and ${ESC}1;92mbold${ESC}22m thin`);
    expect(parts.map(({ text, className }) => [text, className])).toEqual([
      ['red', 'ansi-red-fg'],
      [' and ', ''],
      ['bold', 'ansi-green-intense-fg ansi-bold'],
      [' thin', 'ansi-green-intense-fg']
    ]);
  });

  it('knows backgrounds, inverse, the 256 colours and full ones', () => {
    expect(segments(`${ESC}44mx`)[0].className).toBe('ansi-blue-bg');
    expect(segments(`${ESC}7mx`)[0].className).toBe('ansi-default-inverse-fg ansi-default-inverse-bg');
    expect(segments(`${ESC}38;5;9mx`)[0].className).toBe('ansi-red-intense-fg');
    expect(segments(`${ESC}38;5;196mx`)[0].color).toBe('rgb(255, 0, 0)');
    expect(segments(`${ESC}48;2;1;2;3mx`)[0].backgroundColor).toBe('rgb(1, 2, 3)');
  });

  it('removes every other escape, also one cut off at the end', () => {
    expect(plainText(`a${ESC}2Kb\u001b]0;title\u0007c${ESC}?25ld\u0008e\u001b(Bf${ESC}3`)).toBe('abcdef');
    expect(segments(`${ESC}31`).map(part => part.text)).toEqual([]);
  });

  it('keeps mark-up as text', () => {
    expect(segments('<b>&amp;</b>')[0].text).toBe('<b>&amp;</b>');
  });
});

describe('search in rows', () => {
  const rows = ['Epoch 1', `${ESC}31mepoch${ESC}0m 2`, 'loss'].map((text, n) => ({
    n,
    stream: 'stdout',
    timeS: 0,
    text
  }));

  it('finds text in any letter case, colours aside, and goes on where the log grew', () => {
    const search = new LogSearch();
    search.start('EPOCH');
    search.update(rows.slice(0, 1));
    expect(search.matches).toEqual([0]);
    search.update(rows);
    expect(search.matches).toEqual([0, 1]);
  });

  it('looks at a redrawn last row again', () => {
    const search = new LogSearch();
    search.start('50%');
    search.update([rows[0], { ...rows[1], text: '50%' }]);
    expect(search.matches).toEqual([1]);
    search.update([rows[0], { ...rows[1], text: '60%' }]);
    expect(search.matches).toEqual([]);
  });

  it('marks matches across changes of colour', () => {
    const marked = markSegments(segments(`ab${ESC}31mcd${ESC}0mef`), 'bcde');
    expect(marked.map(({ text, marked }) => [text, marked])).toEqual([
      ['a', false],
      ['b', true],
      ['cd', true],
      ['e', true],
      ['f', false]
    ]);
  });
});

it.each([
  ['abc', 3],
  [`${ESC}31mabc${ESC}0m`, 3],
  ['日本', 4],
  ['a\tb', 9],
  ['é', 1]
])('%j takes %i columns', (text, columns) => {
  expect(columnsOf(text)).toBe(columns);
});

it.each([
  [0, '0:00'],
  [65.9, '1:05'],
  [3661, '1:01:01']
])('%d seconds read %s', (seconds, text) => {
  expect(clockText(seconds)).toBe(text);
});

/** A log that is there from the start, as long as the test wants. */
function manyLines(size: number): LogLine[] {
  return Array.from({ length: size }, (_, n) => logLine(n));
}

describe('LogView', () => {
  let lab: Lab;
  let log: ILogModel;
  let actions: ReturnType<typeof actionsSpy>;

  beforeEach(() => {
    giveElementsHeight();
    lab = new Lab();
    actions = actionsSpy();
  });

  afterEach(() => {
    log.dispose();
    lab.model.dispose();
  });

  async function open(job: Partial<Job>, lines: LogLine[], follow = true): Promise<void> {
    lab.jobs = [
      jobWire({ status: 'running', started_at: '2026-11-21T08:00:05Z', ...job, log_count: lines.length })
    ];
    lab.logs.set('job-1', lines);
    await lab.model.start();
    log = lab.model.openLog('job-1');
    render(<LogView model={lab.model} log={log} trans={trans} actions={actions} follow={follow} />);
    await waitFor(() => expect(log.loading).toBe(false));
  }

  const list = (): HTMLElement => screen.getByRole('log');
  const shown = (): string[] => Array.from(list().querySelectorAll('pre')).map(row => row.textContent!);
  const search = (): HTMLInputElement => screen.getByRole('textbox', { name: 'Search the log' });

  function scrollTo(top: number): void {
    list().scrollTop = top;
    fireEvent.scroll(list());
  }

  async function grow(...texts: string[]): Promise<void> {
    const lines = lab.logs.get('job-1')!;
    texts.forEach(text => lines.push(logLine(lines.length, { text })));
    await act(async () => {
      lab.put({ ...lab.jobs[0], log_count: lines.length });
    });
    await waitFor(() =>
      expect(log.loaded + (log.complete ? 0 : Infinity)).toBeGreaterThanOrEqual(lines.length)
    );
  }

  it('draws only a window of 200,000 lines', async () => {
    await open({ status: 'complete' }, manyLines(200_000));
    await act(() => log.loadAll());
    expect(log.loaded).toBe(200_000);
    expect(shown().length).toBeLessThanOrEqual(VIEW_HEIGHT / ROW + 45);
    expect(shown().at(-1)).toBe('line 199999');
    scrollTo(100_000 * ROW);
    expect(shown()).toContain('line 100000');
    expect(shown().length).toBeLessThanOrEqual(VIEW_HEIGHT / ROW + 45);
  });

  it('starts with the last lines and says so; the earlier ones come on request without moving the view', async () => {
    await open({ status: 'complete' }, manyLines(3000), false);
    expect(screen.getByText('the last 1000 of 3000 lines')).toBeTruthy();
    scrollTo(100 * ROW);
    expect(shown()).toContain('line 2100');
    fireEvent.click(screen.getByRole('button', { name: 'Load the earlier lines' }));
    await waitFor(() => expect(screen.getByText('3000 lines')).toBeTruthy());
    expect(list().scrollTop).toBe(2100 * ROW);
    expect(screen.queryByRole('button', { name: 'Load the earlier lines' })).toBeNull();
  });

  it('follows the tail, stops when scrolled up, and follows again from the end', async () => {
    await open({}, manyLines(100));
    const follow = screen.getByRole('button', { name: 'Follow' });
    expect(follow.getAttribute('aria-pressed')).toBe('true');
    await grow('new line\n');
    await waitFor(() => expect(list().scrollTop).toBe(101 * ROW - VIEW_HEIGHT));
    fireEvent.scroll(list());

    scrollTo(200);
    expect(follow.getAttribute('aria-pressed')).toBe('false');
    await grow('unseen\n');
    expect(list().scrollTop).toBe(200);

    scrollTo(102 * ROW - VIEW_HEIGHT);
    expect(follow.getAttribute('aria-pressed')).toBe('true');
    await grow('seen\n');
    await waitFor(() => expect(shown().at(-1)).toBe('seen'));
  });

  it('goes to the end when Follow is pressed', async () => {
    await open({}, manyLines(100), false);
    expect(list().scrollTop).toBe(0);
    fireEvent.click(screen.getByRole('button', { name: 'Follow' }));
    expect(list().scrollTop).toBe(100 * ROW - VIEW_HEIGHT);
  });

  it('redraws the row of a progress bar in place', async () => {
    await open({}, [logLine(0, { text: 'start\n' })]);
    await grow('\r 10%|#    |', '\r 50%|##   |');
    await waitFor(() => expect(shown()).toEqual(['start', ' 50%|##   |']));
    await grow('\r100%|#####|\n', 'done\n');
    await waitFor(() => expect(shown()).toEqual(['start', '100%|#####|', 'done']));
  });

  it('searches all lines, counts the matches and steps through them', async () => {
    const lines = manyLines(3000);
    [50, 1500, 2900].forEach(n => (lines[n] = logLine(n, { text: `needle ${n}\n` })));
    await open({ status: 'complete' }, lines);
    fireEvent.change(search(), { target: { value: 'Needle' } });
    await waitFor(() => expect(screen.getByText('3 of 3')).toBeTruthy());
    expect(list().querySelector('.jp-mod-current')!.textContent).toBe('needle 2900');
    expect(list().querySelector('mark')!.textContent).toBe('needle');
    expect(screen.getByRole('button', { name: 'Follow' }).getAttribute('aria-pressed')).toBe('false');

    fireEvent.keyDown(search(), { key: 'Enter' });
    expect(screen.getByText('1 of 3')).toBeTruthy();
    fireEvent.scroll(list());
    expect(list().querySelector('.jp-mod-current')!.textContent).toBe('needle 50');

    fireEvent.keyDown(search(), { key: 'Enter', shiftKey: true });
    fireEvent.click(screen.getByRole('button', { name: 'Previous match' }));
    fireEvent.scroll(list());
    expect(screen.getByText('2 of 3')).toBeTruthy();
    expect(list().querySelector('.jp-mod-current')!.textContent).toBe('needle 1500');
  });

  it('says when nothing matches, and Escape goes back to the log', async () => {
    await open({}, manyLines(10));
    fireEvent.keyDown(list(), { key: 'f', ctrlKey: true });
    expect(document.activeElement).toBe(search());
    fireEvent.change(search(), { target: { value: 'haystack' } });
    expect(screen.getByText('No match')).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Next match' }).disabled).toBe(true);
    fireEvent.keyDown(search(), { key: 'Escape' });
    expect(search().value).toBe('');
    expect(document.activeElement).toBe(list());
  });

  it('counts a match that comes while it searches', async () => {
    await open({}, manyLines(10));
    fireEvent.change(search(), { target: { value: 'error' } });
    expect(screen.getByText('No match')).toBeTruthy();
    await grow('Error: no such file\n');
    await waitFor(() => expect(screen.getByText('0 of 1')).toBeTruthy());
  });

  it('tells standard error from standard output, and shows colours and times', async () => {
    await open({}, [
      logLine(0, { text: 'fine\n', time_s: 75 }),
      logLine(1, { text: `${ESC}31mbad${ESC}0m\n`, stream: 'stderr' }),
      logLine(2, { text: '[NbConvertApp] Writing 9 bytes\n', stream: 'stderr' })
    ]);
    const [fine, bad, service] = Array.from(list().querySelectorAll('pre'));
    expect(fine.className).not.toContain('jp-mod-stderr');
    expect(fine.dataset.time).toBe('1:15');
    expect(bad.className).toContain('jp-mod-stderr');
    expect(service.className).not.toContain('jp-mod-stderr');
    expect(bad.querySelector('.ansi-red-fg')!.textContent).toBe('bad');
  });

  it('cuts a line too long for the browser, and says by how much', async () => {
    await open({}, [logLine(0, { text: 'x'.repeat(20_005) + '\n' })]);
    expect(within(list()).getByText('… (5 more characters, in a copy)')).toBeTruthy();
  });

  it('copies every line as plain text, the earlier ones too', async () => {
    const lines = manyLines(1500);
    lines[1499] = logLine(1499, { text: `${ESC}32mgreen${ESC}0m\n` });
    await open({ status: 'complete' }, lines);
    let copied = '';
    const writeText = async (text: string): Promise<void> => {
      copied = text;
    };
    Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText } });
    fireEvent.click(screen.getByRole('button', { name: 'Copy' }));
    await screen.findByRole('button', { name: 'Copied' });
    expect(copied.split('\n')).toHaveLength(1501);
    expect(copied.startsWith('line 0\nline 1\n')).toBe(true);
    expect(copied.endsWith('green\n')).toBe(true);
  });

  it('wraps long lines at the edge when asked', async () => {
    const width = jest.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(0);
    width.mockReturnValue((9 + 2 + 40) * 8);
    jest.spyOn(HTMLElement.prototype, 'offsetHeight', 'get').mockImplementation(function (this: HTMLElement) {
      return Math.max(1, Math.ceil((this.textContent ?? '').length / 40)) * ROW;
    });
    await open({}, [logLine(0, { text: 'y'.repeat(100) + '\n' }), logLine(1, { text: 'short\n' })]);
    const inner = list().firstElementChild as HTMLElement;
    expect(inner.style.height).toBe(`${2 * ROW}px`);
    const wrap = screen.getByRole('button', { name: 'Wrap' });
    fireEvent.click(wrap);
    expect(wrap.getAttribute('aria-pressed')).toBe('true');
    expect(inner.style.height).toBe(`${4 * ROW}px`);
  });

  it.each<[Partial<Job>, string]>([
    [{ status: 'running' }, 'Live'],
    [{ status: 'queued', started_at: null }, 'Kaggle has it and will start it when a machine is free.'],
    [{ status: 'cancel_requested' }, 'Stopping: Kaggle has not confirmed it yet.'],
    [{ status: 'complete' }, 'The run has ended and left no log.'],
    [{ status: 'saved' }, 'Nothing ran, so there is no log.']
  ])('says how things stand: %j', async (job, text) => {
    await open(job, []);
    expect(screen.getByText(text)).toBeTruthy();
  });

  it('says that Kaggle cannot be heard without calling the run failed', async () => {
    const threeHoursAgo = new Date(Date.now() - 3 * 3600_000).toISOString();
    await open({ trouble: 'Kaggle answers 503.', last_heard_at: threeHoursAgo }, manyLines(3));
    expect(screen.getByText('Last heard 3 h ago. Kaggle answers 503.')).toBeTruthy();
    expect(screen.getByText('Running')).toBeTruthy();
    expect(screen.queryByText('Failed')).toBeNull();
  });

  it('keeps what it has when the Jupyter server goes away, and says so', async () => {
    await open({}, manyLines(3));
    lab.reachable = false;
    await act(() => lab.model.refreshJobs());
    expect(screen.getByText(/The Jupyter server cannot be reached/)).toBeTruthy();
    expect(shown()).toHaveLength(3);
  });

  it('shows why the log cannot be read and reads it when tried again', async () => {
    lab.refuse('GET jobs/job-1/log', 500, { cause: 'The store is locked.' });
    await open({ status: 'complete' }, manyLines(3));
    expect(screen.getByText('The store is locked.')).toBeTruthy();
    lab.answers.clear();
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await waitFor(() => expect(shown()).toHaveLength(3));
    expect(screen.queryByText('The store is locked.')).toBeNull();
  });
});

describe('the log widget', () => {
  it('closes its log when it is disposed of', async () => {
    const lab = new Lab();
    lab.jobs = [jobWire({ status: 'running', log_count: 3 })];
    lab.logs.set('job-1', manyLines(3));
    await lab.model.fetchJob('job-1');
    const opened = jest.spyOn(lab.model, 'openLog');
    const widget = createLogView({ model: lab.model, trans, jobId: 'job-1', actions: actionsSpy() });
    await act(async () => {
      Widget.attach(widget, document.body);
      MessageLoop.flush();
    });
    await waitFor(() => expect(widget.node.querySelectorAll('pre').length).toBeGreaterThan(3));
    await act(async () => widget.dispose());
    expect(opened.mock.results[0].value.isDisposed).toBe(true);
    lab.model.dispose();
  });
});
