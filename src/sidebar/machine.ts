import type { Accelerator, AcceleratorTable, Job } from '../wire';

/** The accelerator's name on screen; an id the table does not know stands for itself. */
export function acceleratorLabel(job: Job, table: AcceleratorTable | undefined): string {
  return asked(job, table)?.label ?? job.accelerator;
}

function asked(job: Job, table: AcceleratorTable | undefined): Accelerator | undefined {
  const wanted = job.accelerator;
  return table?.items.find(
    item => item.id === wanted || item.kaggle_id === wanted || item.aliases.includes(wanted)
  );
}

/** What the session says of its machine; that a CPU machine has no GPU goes without saying. */
export function machineText(job: Job, table: AcceleratorTable | undefined): string {
  return asked(job, table)?.kind === 'cpu' ? job.hardware.replace(/^no GPU or TPU, /, '') : job.hardware;
}

/**
 * Whether the session reports another machine than was asked for. Kaggle substitutes without an error
 * (retired and gated shapes, unknown ids), so the only witness is what the session itself says, as
 * `2 x Tesla T4 (15360 MiB), 4 CPU, 31 GB RAM`, `TPU, 8 chips, …` or `no GPU or TPU, …`.
 */
export function isOtherMachine(job: Job, table: AcceleratorTable | undefined): boolean {
  const wanted = asked(job, table);
  const got = job.hardware.toLowerCase();
  if (!wanted || !got) {
    return false;
  }
  const hasNone = got.startsWith('no gpu');
  switch (wanted.kind) {
    case 'cpu':
      return !hasNone && /\b(nvidia|tesla|tpu)\b/.test(got);
    case 'tpu':
      return hasNone || !/\btpu\b/.test(got) || differs(/-(\d+)$/, wanted.label, /(\d+) chips/, got);
    default:
      return hasNone || !namesModel(got, wanted.label) || differs(/ x(\d+)$/, wanted.label, /(\d+) x /, got);
  }
}

/** Whether two numbers are both told and not the same. */
function differs(inLabel: RegExp, label: string, inGot: RegExp, got: string): boolean {
  const [a, b] = [inLabel.exec(label)?.[1], inGot.exec(got)?.[1]];
  return a !== undefined && b !== undefined && a !== b;
}

/** "GPU T4 x2" names the model "t4". */
function namesModel(got: string, label: string): boolean {
  const words = (text: string): string => ` ${text.toLowerCase().replace(/[^a-z0-9]+/g, ' ')} `;
  const model = words(label.replace(/^GPU /i, '').replace(/ x\d+$/, ''));
  return words(got).includes(model);
}
