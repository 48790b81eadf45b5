import { screen } from '@testing-library/react';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Widget } from '@lumino/widgets';
import { RunButton } from '../toolbar/run-button';
import { emulatorAccount, profileWire } from './factory';
import { drawFreely, eventually, stageLab, type ILabStage } from './lab-stage';
import { SubmitLab } from './submit-stage';

let server: SubmitLab;
let stage: ILabStage;
let cells: unknown[];
let widgets: Widget[];

beforeEach(() => {
  drawFreely();
  server = new SubmitLab();
  server.profile = profileWire({ confirmed: true, accelerator: 't4x2' });
  stage = stageLab({ server });
  cells = [{ cell_type: 'code', source: 'edited' }];
  widgets = [];
});

afterEach(() => {
  widgets.forEach(widget => widget.dispose());
  stage.lab.desk?.model.dispose();
  server.model.dispose();
});

/** As much of a notebook panel as the button touches. */
function panelAt(path: string): NotebookPanel {
  const model = { toJSON: () => ({ cells }), sharedModel: {} };
  return { context: { path, ready: Promise.resolve(), model } } as unknown as NotebookPanel;
}

async function draw(path = 'RTC:work/train.ipynb'): Promise<RunButton> {
  const button = new RunButton(panelAt(path), stage.lab);
  widgets.push(button);
  Widget.attach(button, document.body);
  await button.renderPromise;
  return button;
}

const run = () => screen.getByTitle<HTMLButtonElement>(/^Run this notebook on Kaggle/);
const caret = () => screen.getByLabelText<HTMLButtonElement>('Accelerator, quota and options');

it('loads and asks nothing until it is clicked', async () => {
  await draw();
  expect(run().textContent).toBe('Run on Kaggle GPU');
  expect([stage.loads(), server.requests]).toEqual([0, []]);
});

it('runs its own notebook, as it is on screen', async () => {
  await draw();
  run().click();
  await eventually(() => expect(server.submissions()).toHaveLength(1));
  expect(server.submissions()[0]).toMatchObject({ notebook_path: 'work/train.ipynb', content: { cells } });
});

it('makes one run of a double click, even while its code is still loading', async () => {
  await draw();
  run().click();
  run().click();
  await eventually(() => expect(server.submissions()).toHaveLength(1));
  await eventually(() => expect(run().getAttribute('aria-disabled')).toBe('false'));
  expect([server.submissions().length, stage.loads()]).toEqual([1, 1]);
});

it('says that it is sending', async () => {
  let release = () => undefined as void;
  server.answers.set('POST jobs', async () => {
    await new Promise<void>(resolve => (release = resolve));
    return { status: 201, body: server.jobOf(server.submissions().at(-1)) };
  });
  await draw();
  run().click();
  await eventually(() => expect(server.submissions()).toHaveLength(1));
  await eventually(() => expect(run().textContent).toBe('Sending…'));
  expect(run().getAttribute('aria-busy')).toBe('true');
  release();
  await eventually(() => expect(stage.lab.desk?.flow.isBusy('work/train.ipynb')).toBe(false));
  await eventually(() => expect(run().textContent).toBe('Run on Kaggle GPU'));
  expect(run().getAttribute('aria-busy')).toBe('false');
});

it('says when its code cannot be fetched, and tries again at the next click', async () => {
  stage = stageLab({ server, failures: 1 });
  await draw();
  run().click();
  await eventually(() => expect(stage.loads()).toBe(1));
  await eventually(() => expect(run().getAttribute('aria-disabled')).toBe('false'));
  run().click();
  await eventually(() => expect(server.submissions()).toHaveLength(1));
  expect(stage.loads()).toBe(2);
});

describe('the menu', () => {
  const item = (text: RegExp) =>
    Array.from(document.querySelectorAll<HTMLElement>('.lm-Menu-item')).find(node =>
      text.test(node.textContent ?? '')
    );
  const labels = () =>
    Array.from(document.querySelectorAll('.lm-Menu-itemLabel'), node => node.textContent).filter(Boolean);

  async function openMenu(): Promise<void> {
    await draw();
    caret().click();
    await eventually(() => expect(labels()).toContain('Options…'));
    await eventually(() => expect(labels()[0]).toContain('left this week'));
  }

  function key(name: string, keyCode: number): void {
    const menu = document.querySelector('.lm-Menu');
    menu?.dispatchEvent(new KeyboardEvent('keydown', { key: name, keyCode, bubbles: true }));
  }

  /** With the keyboard, which must be enough. */
  async function choose(text: RegExp): Promise<void> {
    await eventually(() => {
      if (!item(text)?.classList.contains('lm-mod-active')) {
        key('ArrowDown', 40);
      }
      expect(item(text)?.classList).toContain('lm-mod-active');
    });
    key('Enter', 13);
  }

  it('shows the quota, the accelerators and the other ways to send', async () => {
    await openMenu();
    expect(labels()).toEqual([
      expect.stringMatching(/^GPU: 21.4 h of 30 h left this week/),
      expect.stringMatching(/^TPU: 20 h of 20 h left this week/),
      'None (CPU)',
      'GPU T4 x2',
      'TPU v5e-8',
      'Save without running',
      'Options…',
      'Show runs'
    ]);
    expect(item(/GPU T4 x2/)?.classList).toContain('lm-mod-toggled');
    expect(item(/TPU v5e-8/)?.classList).not.toContain('lm-mod-toggled');
    expect(item(/left this week/)?.classList).toContain('lm-mod-disabled');
  });

  it('says when it is the emulator', async () => {
    server.account = emulatorAccount();
    await draw();
    caret().click();
    await eventually(() => expect(labels()[0]).toContain('EMULATOR'));
  });

  it('names the chosen accelerator beside the button', async () => {
    await openMenu();
    expect(caret().textContent).toBe('GPU T4 x2');
  });

  it('remembers another accelerator', async () => {
    await openMenu();
    await choose(/TPU v5e-8/);
    await eventually(() => expect(server.profile.accelerator).toBe('tpu-v5e-8'));
    await eventually(() => expect(caret().textContent).toBe('TPU v5e-8'));
    expect(server.submissions()).toEqual([]);
  });

  it('saves without running', async () => {
    await openMenu();
    await choose(/Save without running/);
    await eventually(() => expect(server.submissions()).toHaveLength(1));
    expect(server.submissions()[0].save_only).toBe(true);
  });

  afterEach(() => {
    document.querySelectorAll('.lm-Menu').forEach(menu => menu.remove());
  });
});
