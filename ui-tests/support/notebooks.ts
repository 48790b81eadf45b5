/**
 * Notebooks to run. They leave no time to chance: where a test has to look at a run in the middle, the notebook
 * waits at a gate that the test opens.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';

export type Cell = readonly string[];

export interface INotebook {
  readonly cells: readonly Cell[];
  readonly metadata?: Record<string, unknown>;
}

/** Lines that go on only when the gate `name` is open; the gate leaves nothing among the outputs. */
export function gate(name: string): Cell {
  return [
    'import pathlib, time',
    `gate = pathlib.Path("/kaggle/working/${name}")`,
    'while not gate.exists():',
    '    time.sleep(0.05)',
    'gate.unlink()'
  ];
}

/** Two epochs with a gate before each, then a model, a table and metrics. */
export const TRAINING: INotebook = {
  cells: [
    ['epochs = 2', 'print("training starts")'],
    [...gate('first'), 'print("epoch 1 of 2, loss 0.71")'],
    [...gate('second'), 'print("\\x1b[32mepoch 2 of 2, loss 0.43\\x1b[0m")'],
    [
      'import json, os',
      'os.makedirs("/kaggle/working/tables", exist_ok=True)',
      'with open("/kaggle/working/model.bin", "wb") as file:',
      '    file.write(bytes(range(256)) * 64)',
      'with open("/kaggle/working/tables/predictions.csv", "w") as file:',
      '    file.write("id,digit\\n1,7\\n2,3\\n")',
      'with open("/kaggle/working/metrics.json", "w") as file:',
      '    json.dump({"accuracy": 0.98}, file)'
    ]
  ]
};

/** Ends at once and leaves one file. */
export const SHORT: INotebook = {
  cells: [['print("hello from the run")', 'open("/kaggle/working/hello.txt", "w").write("hello")']]
};

/** Runs until somebody stops it. */
export const ENDLESS: INotebook = {
  cells: [['print("until somebody stops me", flush=True)'], [...gate('never')]]
};

/** The second of three cells fails. */
export const FAILING: INotebook = {
  cells: [['rate = 0'], ['print("dividing")', '1 / rate'], ['print("never reached")']]
};

/** The notebook as a file. */
export function notebookText({ cells, metadata = {} }: INotebook): string {
  const kernelspec = { display_name: 'Python 3 (ipykernel)', language: 'python', name: 'python3' };
  return JSON.stringify(
    {
      cells: cells.map((lines, index) => ({
        cell_type: 'code',
        execution_count: null,
        id: `cell-${index}`,
        metadata: {},
        outputs: [],
        source: lines.join('\n')
      })),
      metadata: { kernelspec, language_info: { name: 'python' }, ...metadata },
      nbformat: 4,
      nbformat_minor: 5
    },
    null,
    1
  );
}

/** Write a notebook into a folder; returns its text. */
export function writeNotebook(folder: string, name: string, notebook: INotebook): string {
  const text = notebookText(notebook);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, name), text);
  return text;
}
