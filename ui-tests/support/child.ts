/**
 * Processes that a test starts: they are waited for, their last words are kept, and they always end.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';

export const ROOT = path.resolve(__dirname, '..', '..');

const START_MS = 60_000;
const STOP_MS = 15_000;

/** The interpreter that has kaggle_lab: PYTHON, the project's own, or whatever is on the PATH. */
export function python(): string {
  const own = path.join(ROOT, '.venv', 'bin', 'python');
  return process.env.PYTHON || (fs.existsSync(own) ? own : 'python3');
}

/** The environment without anything that is the developer's: no credentials, no Jupyter settings, no proxies. */
export function cleanEnvironment(home: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(KAGGLE_|JPY_|JUPYTER_(?!PATH$))|_PROXY$/i.test(name)) {
      env[name] = value;
    }
  }
  const tmp = path.join(home, 'tmp');
  fs.mkdirSync(tmp, { recursive: true });
  const jupyter = Object.fromEntries(
    ['CONFIG', 'DATA', 'RUNTIME'].map(kind => [`JUPYTER_${kind}_DIR`, path.join(home, kind.toLowerCase())])
  );
  const paths = [ROOT, env.PYTHONPATH].filter(Boolean).join(path.delimiter);
  return { ...env, ...jupyter, HOME: home, TMPDIR: tmp, PYTHONPATH: paths, PYTHONUNBUFFERED: '1' };
}

/** A port of 127.0.0.1 that nobody listens on at present. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** Ask again until there is an answer. Rejects with `what` when there is none in time. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  withinMs: number = START_MS
): Promise<T> {
  const end = Date.now() + withinMs;
  do {
    const answer = await ask();
    if (answer !== undefined) {
      return answer;
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  } while (Date.now() < end);
  throw new Error(`${what}: not within ${withinMs / 1000} s`);
}

/** One child process with its output in a file. */
export class Child {
  private constructor(
    private readonly _process: ChildProcess,
    readonly logFile: string
  ) {}

  /** Start a command; its output is added to `logFile`. */
  static start(command: readonly string[], env: Record<string, string>, logFile: string, cwd = ROOT): Child {
    const log = fs.openSync(logFile, 'a');
    const child = spawn(command[0], command.slice(1), { cwd, env, stdio: ['ignore', log, log] });
    fs.closeSync(log);
    return new Child(child, logFile);
  }

  get isRunning(): boolean {
    return this._process.exitCode === null && this._process.signalCode === null;
  }

  /** What it has written so far. */
  output(): string {
    return fs.readFileSync(this.logFile, 'utf-8');
  }

  /** Wait for an answer of a process that has to be alive meanwhile. */
  ready<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
    return until(what, async () => {
      if (!this.isRunning) {
        throw new Error(`${what} ended at once:\n${this.output().slice(-4000)}`);
      }
      return ask();
    });
  }

  /** End it with a signal, with SIGKILL when it does not listen; resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.isRunning) {
      return;
    }
    const gone = new Promise<void>(resolve => this._process.once('exit', () => resolve()));
    this._process.kill(signal);
    const last = setTimeout(() => this._process.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(last);
  }
}
