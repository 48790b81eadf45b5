import { plainText, type ISegment } from './ansi';
import type { IRow } from './rows';

/** The rows of a growing log that contain a text, letter case aside. */
export class LogSearch {
  /** Indices of the rows found, ascending. */
  matches: number[] = [];
  private _query = '';
  private _next = 0;

  get query(): string {
    return this._query;
  }

  /** Look for another text, from the first row. */
  start(query: string): void {
    this._query = query.toLowerCase();
    this.reset();
  }

  /** Begin again: the rows before the last one are others now. */
  reset(): void {
    this.matches = [];
    this._next = 0;
  }

  /** Look through the rows that were added or redrawn since the last call. */
  update(rows: readonly IRow[]): void {
    if (!this._query) {
      return;
    }
    // The last row may have been redrawn since: look at it again.
    const from = Math.max(0, Math.min(this._next, rows.length) - 1);
    while (this.matches.length > 0 && this.matches[this.matches.length - 1] >= from) {
      this.matches.pop();
    }
    for (let index = from; index < rows.length; index++) {
      if (plainText(rows[index].text).toLowerCase().includes(this._query)) {
        this.matches.push(index);
      }
    }
    this._next = rows.length;
  }

  /** Position in `matches` of the first match at or after a row, the first of all after the last. */
  matchAtOrAfter(row: number): number {
    const at = this.matches.findIndex(match => match >= row);
    return at < 0 ? 0 : at;
  }
}

/** A segment, cut where the text looked for begins and ends. */
export interface IMarkedSegment extends ISegment {
  marked: boolean;
}

/** Cut the segments of a line at every occurrence of `query` (lower case), across looks too. */
export function markSegments(parts: readonly ISegment[], query: string): IMarkedSegment[] {
  const ranges = query ? occurrences(parts.map(part => part.text).join(''), query) : [];
  const marked: IMarkedSegment[] = [];
  let offset = 0;
  for (const part of parts) {
    for (const [text, inside] of cut(part.text, offset, ranges)) {
      marked.push({ ...part, text, marked: inside });
    }
    offset += part.text.length;
  }
  return marked;
}

function occurrences(text: string, query: string): [number, number][] {
  const found: [number, number][] = [];
  const lower = text.toLowerCase();
  for (let at = lower.indexOf(query); at >= 0; at = lower.indexOf(query, at + query.length)) {
    found.push([at, at + query.length]);
  }
  return found;
}

function* cut(text: string, offset: number, ranges: [number, number][]): Generator<[string, boolean]> {
  let from = 0;
  for (const [start, end] of ranges) {
    const low = Math.max(start - offset, from);
    const high = Math.min(end - offset, text.length);
    if (high <= low) {
      continue;
    }
    if (low > from) {
      yield [text.slice(from, low), false];
    }
    yield [text.slice(low, high), true];
    from = high;
  }
  if (from < text.length) {
    yield [text.slice(from), false];
  }
}
