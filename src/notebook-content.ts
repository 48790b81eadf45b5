/**
 * Pure work on a notebook's JSON.
 */
import type { PartialJSONObject } from '@lumino/coreutils';
import type { Accelerator, Json } from './wire';

/** What of a choice a notebook's own metadata can say. */
export interface IKeptChoice {
  readonly accelerator: Accelerator | undefined;
  /** Kaggle's id, for one the table does not know. */
  readonly kaggleId: string;
  readonly internet: boolean;
}

/** `metadata.kaggle` as Kaggle's own editor writes it; what else stood there stays. */
export function kaggleMetadata(before: unknown, choice: IKeptChoice): PartialJSONObject {
  const kept: PartialJSONObject = isObject(before) ? { ...(before as PartialJSONObject) } : {};
  const kind = choice.accelerator?.kind ?? 'gpu';
  return {
    dataSources: [],
    ...kept,
    accelerator: editorName(choice.accelerator?.kaggle_id ?? choice.kaggleId),
    isGpuEnabled: kind === 'gpu',
    isInternetEnabled: choice.internet,
    language: kept.language ?? 'python',
    sourceType: 'notebook'
  };
}

/** Kaggle's editor writes `nvidiaTeslaT4` and `tpuV5e8` where the API says `NvidiaTeslaT4`, `TpuV5E8`. */
export function editorName(kaggleId: string): string {
  const lower = kaggleId.charAt(0).toLowerCase() + kaggleId.slice(1);
  return lower.replace(/V(\d+)E(\d+)$/, 'V$1e$2');
}

/** The notebook without its outputs, which are never sent to Kaggle. */
export function withoutOutputs(content: Json | undefined): Json | undefined {
  if (!isObject(content) || !Array.isArray(content.cells)) {
    return content;
  }
  const cells = (content.cells as readonly Json[]).map(cell =>
    isObject(cell) && cell.cell_type === 'code' ? { ...cell, outputs: [] } : cell
  );
  return { ...content, cells };
}

function isObject(value: unknown): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
