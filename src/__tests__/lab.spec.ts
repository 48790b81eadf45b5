import { ServerConnection } from '@jupyterlab/services';
import { InputDialog } from '@jupyterlab/apputils';
import { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';
import { createActions } from '../actions';
import { addCommands, type ICommandHosts } from '../commands';
import { LazyPanel } from '../lazy-panel';
import { createMemory } from '../memory';
import { isAnythingLive } from '../pulse';
import { DEFAULT_SETTINGS, readSettings } from '../settings';
import { CommandIDs } from '../tokens';
import { accountWire, emulatorAccount, jobWire, profileWire } from './factory';
import { eventually, stageLab, type ILabStage } from './lab-stage';
import { trans } from './lab-server';
import { OpenNotebook, SubmitLab } from './submit-stage';

let server: SubmitLab;
let stage: ILabStage;
let inFront: OpenNotebook | undefined;

beforeEach(() => {
  server = new SubmitLab();
  inFront = undefined;
  stage = stageLab({ server, currentNotebook: () => inFront });
});

afterEach(() => {
  stage.lab.desk?.model.dispose();
  server.model.dispose();
});

describe('the desk', () => {
  it('is loaded once, and then follows the runs', async () => {
    server.jobs = [jobWire({ status: 'running' })];
    const [first, second] = await Promise.all([stage.lab.load(), stage.lab.load()]);
    expect(first).toBe(second);
    expect(stage.loads()).toBe(1);
    await eventually(() => expect(first.model.jobs).toHaveLength(1));
  });

  it('can be asked for again when its code did not come', async () => {
    stage = stageLab({ server, failures: 1 });
    await expect(stage.lab.load()).rejects.toThrow('Loading chunk failed');
    expect(stage.lab.desk).toBeUndefined();
    const desk = await stage.lab.load();
    expect(stage.lab.desk).toBe(desk);
  });

  it('takes events, and survives those that are none', async () => {
    const desk = await stage.lab.load();
    await desk.model.start();
    server.jobs = [jobWire({ seq: 5 })];
    desk.takeEvent({ schema_id: 'x', kind: 'job', job_id: 'job-1', seq: 5, log_count: 0 });
    await eventually(() => expect(desk.model.jobs).toHaveLength(1));
    desk.takeEvent({ kind: 'weather' });
    expect(desk.model.jobs).toHaveLength(1);
  });
});

describe('the pulse', () => {
  const ask = (answer: () => Response | Promise<Response>) =>
    isAnythingLive(
      ServerConnection.makeSettings({
        baseUrl: 'http://localhost:8888/',
        fetch: async () => answer()
      })
    );

  it('beats when a run is live', async () => {
    expect(await ask(() => new Response(JSON.stringify({ jobs: [jobWire()] })))).toBe(true);
    expect(await ask(() => new Response(JSON.stringify({ jobs: [] })))).toBe(false);
  });

  it('is quiet without a server, or without its Kaggle half', async () => {
    expect(await ask(() => Promise.reject(new TypeError('no')))).toBe(false);
    expect(await ask(() => new Response('<html>404', { status: 404 }))).toBe(false);
    expect(await ask(() => new Response('{"jobs": [1]}', { status: 403 }))).toBe(false);
  });
});

describe('settings', () => {
  it('take their defaults', () => {
    expect(readSettings({})).toEqual(DEFAULT_SETTINGS);
    expect(readSettings({ notifyAbout: 'sometimes', followLog: 'yes' })).toEqual(DEFAULT_SETTINGS);
  });

  it('are read', () => {
    expect(readSettings({ confirmEachRun: true, notifyAbout: 'failed', showStatusBar: false })).toMatchObject(
      {
        confirmEachRun: true,
        notifyAbout: 'failed',
        showStatusBar: false
      }
    );
  });

  it('are told when they change', () => {
    const seen: boolean[] = [];
    stage.lab.settingsChanged.connect(lab => seen.push(lab.settings.followLog));
    stage.lab.settings = { ...DEFAULT_SETTINGS, followLog: false };
    expect(seen).toEqual([false]);
  });
});

describe('the memory', () => {
  it('keeps the last names', () => {
    const memory = createMemory('test');
    memory.save(Array.from({ length: 300 }, (_, index) => `job-${index}`));
    expect(memory.load()).toHaveLength(200);
    expect(memory.load().at(-1)).toBe('job-299');
  });

  it.each(['{', '{"a": 1}', '[1, "job-1"]'])('survives %s', text => {
    window.localStorage.setItem('test', text);
    expect(createMemory('test').load()).toEqual(text.includes('job') ? ['job-1'] : []);
  });
});

describe('commands', () => {
  let registry: CommandRegistry;
  let hosts: jest.Mocked<ICommandHosts>;
  let palette: string[];

  beforeEach(() => {
    registry = new CommandRegistry();
    hosts = { selectedFile: jest.fn(), downloadFile: jest.fn() };
    palette = addCommands(registry, stage.lab, hosts);
    server.profile = profileWire({ confirmed: true });
  });

  it('all have a name, a way to be described and a place in the palette or a menu', async () => {
    for (const id of registry.listCommands()) {
      expect(id).toMatch(/^kaggle-lab:[a-z]+(-[a-z]+)+$|^kaggle-lab:refresh$/);
      expect(registry.label(id)).not.toBe('');
      expect(await registry.describedBy(id)).toHaveProperty('args');
    }
    expect(new Set(palette).size).toBe(palette.length);
    const outside = registry.listCommands().filter(id => !palette.includes(id));
    expect(outside).toEqual([CommandIDs.runFile, CommandIDs.downloadFile]);
  });

  it('work on the notebook in front, and only on a notebook', async () => {
    expect(registry.isEnabled(CommandIDs.run)).toBe(false);
    inFront = new OpenNotebook();
    expect(registry.isEnabled(CommandIDs.run)).toBe(true);
    await registry.execute(CommandIDs.run);
    await registry.execute(CommandIDs.save);
    expect(server.submissions().map(request => request.save_only)).toEqual([false, true]);
  });

  it('choose the accelerator of the notebook in front', async () => {
    inFront = new OpenNotebook();
    await registry.execute(CommandIDs.setAccelerator, { accelerator: 't4x2' });
    expect(server.profile.accelerator).toBe('t4x2');
  });

  it('run the file selected in the file browser', async () => {
    expect(registry.isEnabled(CommandIDs.runFile)).toBe(false);
    hosts.selectedFile.mockReturnValue('RTC:a/b.ipynb');
    await registry.execute(CommandIDs.runFile);
    expect(server.submissions()[0].notebook_path).toBe('a/b.ipynb');
  });

  it('work on the run named', async () => {
    server.jobs = [jobWire({ status: 'complete' }), jobWire({ id: 'job-2', status: 'running' })];
    await registry.execute(CommandIDs.stop, { id: 'job-2' });
    await registry.execute(CommandIDs.retrieve, { id: 'job-1' });
    await registry.execute(CommandIDs.remove, { id: 'job-1' });
    expect(server.sent('POST jobs/job-2/stop')).toHaveLength(1);
    expect(server.sent('POST jobs/job-1/outputs')).toHaveLength(1);
    expect(server.sent('DELETE jobs/job-1')).toHaveLength(1);
  });

  it('take the only run that suits when none is named', async () => {
    server.jobs = [jobWire({ status: 'complete' }), jobWire({ id: 'job-2', status: 'running' })];
    await registry.execute(CommandIDs.retrieve);
    expect(server.sent('POST jobs/job-1/outputs')).toHaveLength(1);
  });

  it('ask before the only run is stopped or removed', async () => {
    const asked = jest.spyOn(InputDialog, 'getItem').mockResolvedValue({ value: null } as never);
    server.jobs = [jobWire({ status: 'complete' }), jobWire({ id: 'job-2', status: 'running' })];
    await registry.execute(CommandIDs.stop);
    await registry.execute(CommandIDs.remove);
    expect(asked.mock.calls.map(([options]) => options.okLabel)).toEqual(['Stop', 'Remove']);
    expect(server.sent('POST jobs/job-2/stop')).toHaveLength(0);
    expect(server.sent('DELETE jobs/job-1')).toHaveLength(0);
  });

  it('run again a cell, or a notebook from elsewhere, as it was sent', async () => {
    server.jobs = [
      jobWire({ status: 'complete', partial: true }),
      jobWire({ id: 'job-2', status: 'complete', root: '/elsewhere' })
    ];
    await registry.execute(CommandIDs.runAgain, { id: 'job-1' });
    await registry.execute(CommandIDs.runAgain, { id: 'job-2' });
    expect(server.submissions().map(request => request.again)).toEqual(['job-1', 'job-2']);
  });

  it('run again what ran before, with its settings', async () => {
    server.jobs = [jobWire({ status: 'complete', accelerator: 'tpu-v5e-8', notebook_path: 'x.ipynb' })];
    await registry.execute(CommandIDs.runAgain, { id: 'job-1' });
    expect(server.submissions()[0]).toMatchObject({ notebook_path: 'x.ipynb', accelerator: 'tpu-v5e-8' });
  });

  it('open the page on Kaggle in a window that knows nothing of this one', async () => {
    const open = jest.spyOn(window, 'open').mockReturnValue(null);
    server.jobs = [jobWire()];
    await registry.execute(CommandIDs.openOnKaggle, { id: 'job-1' });
    expect(open).toHaveBeenCalledWith(server.jobs[0].url, '_blank', 'noopener');
  });

  it('are enabled as the runs and the account allow, once these are known', async () => {
    expect([CommandIDs.stop, CommandIDs.signOut].every(id => registry.isEnabled(id))).toBe(true);
    server.account = accountWire({ state: 'signed_out' });
    const { model } = await stage.lab.load();
    await Promise.all([model.start(), model.refreshAccount()]);
    const enabled = (...ids: string[]) => ids.map(id => registry.isEnabled(id));
    expect(enabled(CommandIDs.stop, CommandIDs.signOut, CommandIDs.signIn)).toEqual([false, false, true]);
    expect(enabled(CommandIDs.useEmulator, CommandIDs.useKaggle)).toEqual([true, false]);
    server.account = emulatorAccount();
    await registry.execute(CommandIDs.useEmulator);
    expect(enabled(CommandIDs.useEmulator, CommandIDs.useKaggle)).toEqual([false, true]);
  });

  it('tell what failed instead of throwing', async () => {
    server.jobs = [jobWire({ status: 'running' })];
    const { notifier } = await stage.lab.load();
    const failed = jest.spyOn(notifier, 'failed').mockReturnValue();
    server.refuse('POST jobs/job-1/stop', 409, { code: 'job_finished', cause: 'It has ended.' });
    await registry.execute(CommandIDs.stop, { id: 'job-1' });
    expect(failed).toHaveBeenCalledWith(expect.objectContaining({ code: 'job_finished' }));
  });
});

describe('actions of the views', () => {
  it('are commands', async () => {
    const registry = new CommandRegistry();
    const done: string[] = [];
    const commands = Object.values(CommandIDs).concat([
      'docmanager:open',
      'filebrowser:go-to-path'
    ] as never[]);
    commands.forEach(id =>
      registry.addCommand(id, {
        execute: args => done.push(`${id} ${JSON.stringify(args)}`),
        describedBy: { args: null }
      })
    );
    const actions = createActions(registry, error => done.push(String(error)));
    actions.openLog('a');
    actions.openFile('out/x.csv');
    actions.openFile('out/model.joblib');
    actions.revealFolder('out');
    actions.openOnKaggle(jobWire());
    await eventually(() => expect(done).toHaveLength(5));
    expect(done).toEqual([
      'kaggle-lab:open-log {"id":"a"}',
      'docmanager:open {"path":"out/x.csv"}',
      'filebrowser:go-to-path {"path":"out/model.joblib"}',
      'filebrowser:go-to-path {"path":"out"}',
      'kaggle-lab:open-on-kaggle {"id":"job-1"}'
    ]);
  });

  it('say when they fail', async () => {
    const errors: string[] = [];
    createActions(new CommandRegistry(), error => errors.push(String(error))).openFile('x');
    await eventually(() => expect(errors).toHaveLength(1));
  });
});

describe('a lazy panel', () => {
  it('loads its content when it is first seen, once', async () => {
    let loads = 0;
    const panel = new LazyPanel(async () => {
      loads += 1;
      return new Widget();
    }, trans);
    panel.hide();
    Widget.attach(panel, document.body);
    expect(loads).toBe(0);
    panel.show();
    panel.hide();
    panel.show();
    await eventually(() => expect(panel.content?.isAttached).toBe(true));
    expect(loads).toBe(1);
    panel.dispose();
  });

  it('says when it could not be loaded, and tries again', async () => {
    let loads = 0;
    const panel = new LazyPanel(async () => {
      loads += 1;
      if (loads === 1) {
        throw new TypeError('Loading chunk 7 failed');
      }
      return new Widget();
    }, trans);
    Widget.attach(panel, document.body);
    await eventually(() => expect(panel.node.textContent).toContain('Loading chunk 7 failed'));
    panel.hide();
    panel.show();
    await eventually(() => expect(panel.node.textContent).toBe(''));
    panel.dispose();
  });
});
