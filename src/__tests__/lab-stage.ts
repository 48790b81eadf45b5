/**
 * A lab with a real desk, its code loaded as in the application, and a server behind it.
 */
import { ServerConnection } from '@jupyterlab/services';
import { createDesk } from '../desk';
import { Lab as RealLab, type ILab } from '../lab';
import { fileSource, type INotebookSource } from '../notebook-source';
import type { IDesk } from '../desk';
import { actionsSpy, trans } from './lab-server';
import type { SubmitLab } from './submit-stage';

export interface ILabStage {
  readonly lab: RealLab;
  readonly actions: ReturnType<typeof actionsSpy>;
  /** How often the desk's code was asked for. */
  loads(): number;
}

export interface ILabStageOptions {
  readonly server: SubmitLab;
  currentNotebook?: () => INotebookSource | undefined;
  /** Fails as many times before it succeeds. */
  failures?: number;
}

export function stageLab({ server, currentNotebook, failures = 0 }: ILabStageOptions): ILabStage {
  const actions = actionsSpy();
  let loads = 0;
  const loadDesk = async (lab: ILab): Promise<IDesk> => {
    loads += 1;
    if (loads <= failures) {
      throw new TypeError('Loading chunk failed');
    }
    const serverSettings = ServerConnection.makeSettings({
      baseUrl: 'http://localhost:8888/',
      fetch: (request: RequestInfo | URL) => server.answer(request as Request)
    });
    return createDesk({ lab, serverSettings, memory: { load: () => [], save: () => undefined } });
  };
  const lab = new RealLab({
    trans,
    actions,
    loadDesk,
    localPath: path => path.replace(/^RTC:/, ''),
    currentNotebook: () => currentNotebook?.(),
    notebookAt: path => fileSource(path)
  });
  return { lab, actions, loads: () => loads };
}

/** Wait until a claim holds, as a person would. Fails with the claim's last failure. */
export async function eventually(claim: () => void): Promise<void> {
  const end = Date.now() + 5000;
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, 5));
    try {
      return claim();
    } catch (error) {
      if (Date.now() > end) {
        throw error;
      }
    }
  }
}

/** Let React draw when it wants to, as in the application: JupyterLab's widgets draw on their own. */
export function drawFreely(): void {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = false;
}
