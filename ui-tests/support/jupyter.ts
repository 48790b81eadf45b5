/**
 * The JupyterLab of a test: its own home, workspace and store, and quick intervals.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Child, cleanEnvironment, freePort, python } from './child';

/** What takes seconds or minutes against Kaggle takes parts of a second here. */
const QUICK = {
  poll_first_s: 0.3,
  poll_queued_s: 0.3,
  poll_running_s: 0.5,
  poll_max_s: 1,
  push_gap_s: 0,
  push_window_s: 5,
  watch_interval_s: 0.2,
  lease_s: 5,
  quota_ttl_s: 1,
  stream_retry_s: 0.2
};

export type Settings = Readonly<Record<string, string | number>>;

export class Jupyter {
  private constructor(
    readonly port: number,
    private readonly _folder: string,
    private readonly _settings: Settings,
    private readonly _app: string
  ) {}

  /** Set up below `folder` without starting. `settings` are those of Kaggle Lab, by their names. */
  static async prepare(folder: string, settings: Settings, app = 'jupyterlab'): Promise<Jupyter> {
    const jupyter = new Jupyter(await freePort(), folder, { ...QUICK, ...settings }, app);
    for (const place of [jupyter.workspace, jupyter.home, jupyter.data]) {
      fs.mkdirSync(place, { recursive: true });
    }
    return jupyter;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Where the user's files are. */
  get workspace(): string {
    return path.join(this._folder, 'workspace');
  }

  get home(): string {
    return path.join(this._folder, 'home');
  }

  /** Where Kaggle Lab keeps its list of runs. */
  get data(): string {
    return path.join(this._folder, 'kaggle-lab');
  }

  get log(): string {
    return this._process?.output() ?? '';
  }

  async start(): Promise<void> {
    const config = path.join(__dirname, '..', 'jupyter_server_test_config.py');
    const command = [python(), '-m', this._app, '--config', config];
    const log = path.join(this._folder, 'jupyter.log');
    const child = Child.start(command, this._environment(), log, this.workspace);
    this._process = child;
    await child.ready('JupyterLab', () => this._answers());
  }

  async stop(): Promise<void> {
    await this._process?.stop();
  }

  private _environment(): Record<string, string> {
    const settings = Object.entries({ ...this._settings, data_dir: this.data });
    return {
      ...cleanEnvironment(this.home),
      ...Object.fromEntries(
        settings.map(([name, value]) => [`KAGGLE_LAB_${name.toUpperCase()}`, `${value}`])
      ),
      KAGGLE_LAB_UI_PORT: String(this.port),
      KAGGLE_LAB_UI_WORKSPACES: path.join(this._folder, 'workspaces'),
      JUPYTERLAB_GALATA_ROOT_DIR: this.workspace
    };
  }

  private async _answers(): Promise<true | undefined> {
    try {
      return (await fetch(`${this.url}/api`)).ok || undefined;
    } catch {
      return undefined;
    }
  }

  private _process: Child | undefined;
}
