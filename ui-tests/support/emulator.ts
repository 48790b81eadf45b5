/**
 * The Kaggle emulator of a test, and the switches it has.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Child, cleanEnvironment, python, until } from './child';

const READY = /^kaggle-emulator ready: (\S+)/m;

/** A run as the emulator knows it. */
export interface ISession {
  readonly id: number;
  readonly ref: string;
  readonly ended_at: string | null;
}

/** One request that the emulator has answered. */
export interface IRequest {
  readonly call: string;
}

/** What the next calls of a method get instead of their real answer. */
export interface IFault {
  readonly method: string;
  readonly count?: number;
  readonly status?: number;
  readonly delay_s?: number;
}

export const TOKEN = 'KGAT_emulator_learner';

export class Emulator {
  private constructor(
    readonly url: string,
    private readonly _data: string,
    private readonly _process: Child
  ) {}

  /** Start one that keeps its state below `folder`. */
  static async start(folder: string, ...more: string[]): Promise<Emulator> {
    const data = path.join(folder, 'emulator');
    fs.mkdirSync(data, { recursive: true });
    const command = [python(), '-m', 'kaggle_lab.emulator', '--port', '0', '--data', data];
    const env = cleanEnvironment(path.join(folder, 'emulator-home'));
    const child = Child.start([...command, '--queue-delay', '0.5', ...more], env, path.join(data, 'ui.log'));
    const url = await child.ready('the emulator', async () => READY.exec(child.output())?.[1]);
    return new Emulator(url.replace(/\/$/, ''), data, child);
  }

  /** What it said, its runs and the requests it has seen, for a person to read. */
  async story(): Promise<string> {
    const [sessions, requests] = [await this.sessions(), await this.requests('')];
    const lines = [...sessions, ...requests].map(one => JSON.stringify(one));
    return [this._process.output(), ...lines].join('\n');
  }

  sessions(): Promise<ISession[]> {
    return this._control<{ sessions: ISession[] }>('GET', 'sessions').then(answer => answer.sessions);
  }

  /** The calls of one method since the start, or since they were forgotten. */
  requests(call: string): Promise<IRequest[]> {
    return this._control<{ requests: IRequest[] }>('GET', `requests?call=${call}`).then(
      answer => answer.requests
    );
  }

  async fault(fault: IFault): Promise<void> {
    await this._control('POST', 'faults', fault);
  }

  async clearFaults(): Promise<void> {
    await this._control('DELETE', 'faults');
  }

  async settings(changes: Record<string, number>): Promise<void> {
    await this._control('POST', 'settings', changes);
  }

  async use(account: string, hours: { gpu_used_hours?: number; tpu_used_hours?: number }): Promise<void> {
    await this._control('POST', 'accounts', { username: account, ...hours });
  }

  /** Stop and forget every run, as between two tests. */
  async reset(): Promise<void> {
    await this._control('POST', 'reset', {});
  }

  /** Open a gate that a notebook of `notebooks.ts` waits at, in the one run that is not over. */
  async openGate(name: string): Promise<void> {
    const folder = await until('a session that has begun', async () => {
      const session = (await this.sessions()).find(one => !one.ended_at);
      const working = path.join(this._data, 'sessions', String(session?.id), 'working');
      return fs.existsSync(working) ? working : undefined;
    });
    fs.writeFileSync(path.join(folder, name), '');
  }

  async close(): Promise<void> {
    if (this._process.isRunning) {
      await this.reset().catch(() => undefined);
      await this._process.stop();
    }
  }

  private async _control<T>(method: string, what: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/_emu/${what}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body)
    });
    if (!response.ok) {
      throw new Error(`${method} ${what}: ${response.status} ${await response.text()}`);
    }
    return (await response.json()) as T;
  }
}
