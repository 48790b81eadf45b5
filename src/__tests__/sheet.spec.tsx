import { act, configure, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { openSubmitSheet } from '../dialogs';
import { ApiError, type Job } from '../wire';
import { SubmitFlow, type ISheetRequest } from '../submit-flow';
import { emulatorAccount, previewWire, quotaWire } from './factory';
import { trans } from './lab-server';
import { OpenNotebook, SubmitLab } from './submit-stage';

// jsdom hides a <dialog> that is not `open`; JupyterLab shows it by its own styles.
configure({ defaultHidden: true, asyncUtilTimeout: 5000 });

let lab: SubmitLab;
let notebook: OpenNotebook;
let shown: Promise<Job | null> | undefined;

beforeEach(async () => {
  lab = new SubmitLab();
  notebook = new OpenNotebook();
  shown = undefined;
  await lab.model.refreshAccount();
});

afterEach(async () => {
  // A sheet left open would stay in front of the next test's.
  await act(async () => {
    screen.queryByRole('button', { name: 'Cancel' })?.click();
    await shown;
  });
  lab.model.dispose();
});

/** Open the sheet the way a click does. */
async function open(request: Partial<ISheetRequest> = {}): Promise<HTMLElement> {
  const flow = new SubmitFlow({
    model: lab.model,
    openSheet: asked => openSubmitSheet(lab.model, { ...asked, ...request }, trans),
    asksAlways: () => false,
    onSignedOut: () => undefined,
    onSubmitted: () => undefined,
    onError: error => {
      throw error;
    }
  });
  shown = flow.run(notebook);
  await screen.findByRole('dialog');
  await waitFor(() => expect(field('Title on Kaggle').value).not.toBe(''));
  return screen.getByRole('dialog');
}

const field = (name: string) => screen.getByLabelText<HTMLInputElement>(name);
const options = (name: string) => Array.from(screen.getByLabelText<HTMLSelectElement>(name).options);
const check = (name: RegExp) => screen.getByRole<HTMLInputElement>('checkbox', { name });
const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name });

async function choose(name: string, value: string): Promise<void> {
  await act(async () => {
    fireEvent.change(field(name), { target: { value } });
  });
}

async function press(name: string): Promise<void> {
  await act(async () => {
    button(name).click();
  });
}

describe('what it shows', () => {
  it('is the server’s proposal and what would be sent', async () => {
    lab.preview = previewWire({
      accelerator: 't4x2',
      internet: false,
      time_cap_s: 3600,
      kernel_exists: true,
      sources: { datasets: ['ada/iris'], competitions: [], kernels: [], models: [] },
      warnings: ['One source is written by number only.']
    });
    const dialog = await open();
    expect(field('Title on Kaggle').value).toBe('Train digits');
    await waitFor(() => expect(field('Accelerator').value).toBe('t4x2'));
    expect([check(/Internet/).checked, check(/Private/).checked]).toEqual([false, true]);
    expect(field('Time limit').value).toBe('3600');
    const text = dialog.textContent ?? '';
    expect(text).toContain('Adds a version to ada/train-digits');
    expect(text).toContain('work/train.ipynb: 7 code cells, 5.2 KiB.');
    expect(text).toContain('Attached on Kaggle: ada/iris');
    expect(text).toContain('One source is written by number only.');
    expect(text).not.toContain('EMULATOR');
  });

  it('never sends outputs for it', async () => {
    await open();
    const content = lab.bodies<{ content: { cells: { outputs: unknown[] }[] } }>('POST preview')[0].content;
    expect(content.cells[0].outputs).toEqual([]);
  });

  it('says when it is the emulator', async () => {
    lab.account = emulatorAccount();
    await lab.model.refreshAccount(true);
    const dialog = await open();
    expect(within(dialog).getByText('EMULATOR')).toBeTruthy();
  });

  it('tells the quota where the accelerator is chosen', async () => {
    const dialog = await open();
    expect(dialog.textContent).not.toContain('left this week');
    await choose('Accelerator', 't4x2');
    await waitFor(() => expect(dialog.textContent).toContain('21.4 h of 30 h left this week'));
  });

  it('warns when the quota is too small or used up', async () => {
    lab.quota = quotaWire({ gpu: { used_s: 100_800, reserved_s: 0, allowed_s: 108_000, left_s: 7200 } });
    const dialog = await open();
    await choose('Accelerator', 't4x2');
    await waitFor(() => expect(dialog.textContent).toContain('would not fit: 2 h are left'));
    await choose('Time limit', '3600');
    expect(dialog.textContent).not.toContain('would not fit');
  });

  it('keeps the time limit within what the accelerator allows', async () => {
    await open();
    await waitFor(() => expect(options('Accelerator')).toHaveLength(3));
    const caps = () => options('Time limit').map(item => item.textContent);
    expect(caps()[0]).toBe('As long as Kaggle allows (12 h)');
    expect(caps()).toContain('9 h');
    await choose('Accelerator', 'tpu-v5e-8');
    expect(caps()[0]).toBe('As long as Kaggle allows (9 h)');
    expect(caps()).not.toContain('9 h');
  });

  it('says what making it public means', async () => {
    const dialog = await open();
    await act(async () => check(/Private/).click());
    expect(dialog.textContent).toContain('Everybody will be able to read');
  });
});

describe('what stands in the way', () => {
  it('is shown with its remedy, and keeps the run back but not the saving', async () => {
    lab.preview = previewWire({
      problems: [{ code: 'quota', cause: 'Used up.', remedy: 'Choose None (CPU).', data: {} }]
    });
    const dialog = await open();
    const alert = within(dialog).getByRole('alert');
    expect(alert.textContent).toBe('Used up. Choose None (CPU).');
    expect([button('Run on Kaggle').disabled, button('Save without running').disabled]).toEqual([
      true,
      false
    ]);
  });

  it('goes when the choice mends it', async () => {
    lab.preview = previewWire({ problems: [{ code: 'quota', cause: 'Used up.', remedy: '', data: {} }] });
    const dialog = await open();
    lab.preview = previewWire();
    await choose('Accelerator', 'none');
    await waitFor(() => expect(within(dialog).queryByRole('alert')).toBeNull());
    expect(button('Run on Kaggle').disabled).toBe(false);
  });

  it('is an empty title', async () => {
    await open();
    await choose('Title on Kaggle', '  ');
    expect(button('Run on Kaggle').disabled).toBe(true);
  });
});

describe('sending', () => {
  it('closes the sheet with the run', async () => {
    await open();
    await choose('Accelerator', 't4x2');
    await choose('Title on Kaggle', 'Digits two');
    await press('Run on Kaggle');
    const job = await shown;
    expect(job).toMatchObject({ title: 'Digits two', accelerator: 't4x2' });
    expect(lab.submissions()).toHaveLength(1);
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('saves without running', async () => {
    await open();
    await press('Save without running');
    expect(await shown).toMatchObject({ save_only: true });
  });

  it('puts saving first when that was asked for', async () => {
    await open({ saveOnly: true });
    const names = screen.getAllByRole('button').map(node => node.textContent);
    expect(names.slice(-3)).toEqual(['Cancel', 'Run on Kaggle', 'Save without running']);
    await press('Save without running');
    expect(await shown).toMatchObject({ save_only: true });
  });

  it('happens once, however often the button is pressed', async () => {
    await open();
    await act(async () => {
      const run = button('Run on Kaggle');
      run.click();
      run.click();
    });
    await shown;
    expect(lab.submissions()).toHaveLength(1);
  });

  it('says that it is on its way, and cannot be left meanwhile', async () => {
    let release = () => undefined as void;
    await open();
    lab.answers.set('POST jobs', async () => {
      await new Promise<void>(resolve => (release = resolve));
      return { status: 201, body: lab.jobOf(lab.submissions().at(-1)) };
    });
    await press('Run on Kaggle');
    expect(button('Sending…').disabled).toBe(true);
    expect(button('Cancel').disabled).toBe(true);
    await act(async () => {
      fireEvent.keyDown(screen.getByRole('dialog'), { key: 'Escape', keyCode: 27 });
    });
    expect(screen.queryByRole('dialog')).not.toBeNull();
    await waitFor(() => expect(lab.submissions()).toHaveLength(1));
    await act(async () => {
      release();
      await shown;
    });
    expect(await shown).not.toBeNull();
  });

  it('keeps everything typed when it is refused, with cause and remedy', async () => {
    const dialog = await open();
    await choose('Title on Kaggle', 'Digits two');
    lab.refuse('POST jobs', 422, { code: 'phone_verification', cause: 'No phone.', remedy: 'Verify it.' });
    await press('Run on Kaggle');
    const alert = await within(dialog).findByRole('alert');
    expect(alert.textContent).toBe('No phone. Verify it.');
    expect(field('Title on Kaggle').value).toBe('Digits two');
    lab.accept();
    await press('Run on Kaggle');
    expect(await shown).toMatchObject({ title: 'Digits two' });
  });

  it('adds a version to a notebook of that title when told to', async () => {
    const dialog = await open();
    expect(within(dialog).queryByText(/Add a version/)).toBeNull();
    lab.refuse('POST jobs', 409, { code: 'title_taken', cause: 'Taken.', remedy: 'Rename.' });
    await press('Run on Kaggle');
    await within(dialog).findByText('Taken.');
    lab.accept();
    await act(async () => check(/Add a version/).click());
    await press('Run on Kaggle');
    await shown;
    expect(lab.submissions().at(-1)).toMatchObject({ add_version: true });
  });

  it('is left with Cancel, and then nothing was sent', async () => {
    await open();
    await press('Cancel');
    expect(await shown).toBeNull();
    expect(lab.submissions()).toEqual([]);
  });
});

it('comes up again with the reason', async () => {
  const dialog = await open({
    error: new ApiError({ code: 'title_taken', cause: 'Taken.', remedy: 'Rename.' }, 409)
  });
  expect(within(dialog).getByRole('alert').textContent).toBe('Taken. Rename.');
  expect(check(/Add a version/).checked).toBe(false);
});

it('can be sent though Kaggle could not be asked beforehand', async () => {
  lab.answers.set('POST preview', () => ({
    status: 503,
    body: { code: 'unreachable', cause: 'No answer.' }
  }));
  shown = openSubmitSheet(
    lab.model,
    { source: notebook, saveOnly: false, send: () => Promise.resolve(lab.jobOf(undefined)) },
    trans
  );
  await screen.findByText('No answer.');
  expect(button('Run on Kaggle').disabled).toBe(false);
  await press('Run on Kaggle');
  expect(await shown).not.toBeNull();
});
