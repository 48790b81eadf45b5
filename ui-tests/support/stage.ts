/**
 * The stage of a spec: galata's page on a JupyterLab and an emulator of the spec's own.
 *
 * `test.use({ play: {...} })` at the top of a spec says what the stage is to be; specs that say the same share one.
 */
import { test as galata, galata as defaults } from '@jupyterlab/galata';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { execFileSync } from 'node:child_process';
import { python } from './child';
import { Emulator } from './emulator';
import { Jupyter, type Settings } from './jupyter';
import { Lab } from './lab';
import { writeNotebook, type INotebook } from './notebooks';

export { expect } from '@jupyterlab/galata';

/** What a spec wants its stage to be. */
export interface IPlay {
  /** Stages with different names are never shared. */
  readonly name?: string;
  /** Whether JupyterLab is sent to the emulator as such, or takes it for Kaggle and asks for credentials. */
  readonly endpoint: 'emulator' | 'kaggle';
  /** Settings of Kaggle Lab. */
  readonly settings?: Settings;
  /** The application that is started; JupyterLab unless said otherwise. */
  readonly app?: 'notebook';
  /** A Python script of `ui-tests` that fills the store before the start. */
  readonly seed?: string;
}

export interface IStage {
  readonly emulator: Emulator;
  readonly jupyter: Jupyter;
}

type Closing = () => Promise<void>;

interface IWorkerFixtures {
  play: IPlay;
  stage: IStage;
}

interface ITestFixtures {
  /** The page, in the words of somebody who uses Kaggle Lab. */
  lab: Lab;
  /** Put a notebook into the test's own folder of the workspace; returns its path there. */
  notebook(name: string, notebook: INotebook): string;
  /** Puts the servers' own accounts beside the screenshot of a failed test. */
  lastWords: void;
}

export const test = galata.extend<ITestFixtures, IWorkerFixtures>({
  play: [{ endpoint: 'emulator' }, { option: true, scope: 'worker' }],
  stage: [
    async ({ play }, use) => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kaggle-lab-ui-'));
      const running: Closing[] = [];
      try {
        await use(await setUp(folder, play, running));
      } finally {
        for (const close of running.reverse()) {
          await close();
        }
        // A session that is just ending may still write into its folder.
        fs.rmSync(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
      }
    },
    { scope: 'worker', timeout: 120_000 }
  ],
  baseURL: async ({ stage }, use) => use(stage.jupyter.url),
  mockSettings: {
    ...defaults.DEFAULT_SETTINGS,
    '@jupyterlab/apputils-extension:themes': {}
  },
  notebook: async ({ stage, tmpPath }, use) => {
    await use((name, notebook) => {
      writeNotebook(path.join(stage.jupyter.workspace, tmpPath), name, notebook);
      return `${tmpPath}/${name}`;
    });
  },
  lab: async ({ page, stage }, use) => use(new Lab(page, stage)),
  lastWords: [
    async ({ stage }, use, info) => {
      await use();
      if (info.status !== info.expectedStatus) {
        fs.writeFileSync(info.outputPath('jupyter.log'), stage.jupyter.log);
        fs.writeFileSync(info.outputPath('emulator.log'), await stage.emulator.story());
      }
      await stage.emulator.reset();
    },
    { auto: true }
  ]
});

/** Whether the interpreter of these tests has a module. */
export function hasModule(name: string): boolean {
  try {
    execFileSync(python(), ['-c', `import ${name}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Start everything; what has to be closed is put into `running` as soon as it runs. */
async function setUp(folder: string, play: IPlay, running: Closing[]): Promise<IStage> {
  const emulator = await Emulator.start(folder);
  running.push(() => emulator.close());
  const settings = { endpoint: emulator.url, endpoint_kind: play.endpoint, ...play.settings };
  const jupyter = await Jupyter.prepare(folder, settings, play.app);
  if (play.seed) {
    const script = path.join(__dirname, '..', play.seed);
    execFileSync(python(), [script, jupyter.data, jupyter.workspace, emulator.url], { stdio: 'inherit' });
  }
  running.push(() => jupyter.stop());
  await jupyter.start();
  return { emulator, jupyter };
}
