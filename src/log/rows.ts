/**
 * From log lines, as they were written, to rows, as a terminal would show them: a carriage return
 * redraws the row, a line without an end is continued by the next one, a record of many lines is many
 * rows.
 */
import { plainText } from './ansi';

/** A log line as it is handed over: `n` is its number, `time_s` seconds since the session began. */
export interface IRawLine {
  n: number;
  stream: string;
  time_s: number;
  text: string;
}

/** One row on screen. `n` is the number of the line that wrote it last. */
export interface IRow {
  n: number;
  stream: string;
  timeS: number;
  text: string;
}

/** What a finished progress bar says. */
const FULL = /\b100(\.0+)?\s?%/;

/** The rows of a log that grows at its end. */
export class LogRows {
  /** In order. Only the last one is ever replaced. */
  readonly rows: IRow[] = [];
  /** What the last row says and whether the next text redraws it; undefined once the row has ended. */
  private _pending: string | undefined;
  /** Whether lines come with their ends: only then does one without an end go on in the next. */
  private _hasEnds = false;

  clear(): void {
    this.rows.length = 0;
    this._pending = undefined;
    this._hasEnds = false;
  }

  append(line: IRawLine): void {
    const parts = line.text.split('\n');
    if (parts.length > 1 && parts[parts.length - 1] === '') {
      parts.pop();
      this._hasEnds = true;
      parts.forEach(part => this._append(line, part, true));
    } else {
      parts.forEach((part, index) => this._append(line, part, index < parts.length - 1));
    }
  }

  private _append(line: IRawLine, part: string, ended: boolean): void {
    const text = ended && part.endsWith('\r') ? part.slice(0, -1) : part;
    const before = this._continues(line.stream, text) ? this._pending : undefined;
    const shown = afterReturn((before ?? '') + text);
    const row = { n: line.n, stream: line.stream, timeS: line.time_s, text: shown };
    if (before === undefined) {
      this.rows.push(row);
    } else {
      this.rows[this.rows.length - 1] = row;
    }
    const open = !ended && (this._hasEnds || text.includes('\r'));
    this._pending = open ? shown + (text.endsWith('\r') ? '\r' : '') : undefined;
  }

  private _continues(stream: string, text: string): boolean {
    if (this._pending === undefined || this.rows[this.rows.length - 1].stream !== stream) {
      return false;
    }
    if (this._hasEnds) {
      return true;
    }
    // Without line ends, a bar that reached 100 % and then begins anew is another bar.
    const isAnother = FULL.test(this._pending) && !FULL.test(text);
    return !isAnother && (text.startsWith('\r') || this._pending.endsWith('\r'));
  }
}

/** What is left on screen of a text that jumps back to the start of its line. */
export function afterReturn(text: string): string {
  if (!text.includes('\r')) {
    return text;
  }
  const drawn = text.split('\r').filter(piece => plainText(piece).trim() !== '');
  return drawn.length > 0 ? drawn[drawn.length - 1] : '';
}

/** How many columns a text takes in a fixed-width font; wide East Asian characters and emoji take two. */
export function columnsOf(text: string): number {
  const plain = plainText(text);
  // eslint-disable-next-line no-control-regex
  if (!/[^\x00-\x08\x0a-\x7f]/.test(plain)) {
    return plain.length;
  }
  let columns = 0;
  for (const character of plain) {
    columns += character === '\t' ? 8 - (columns % 8) : widthOf(character.codePointAt(0)!);
  }
  return columns;
}

function widthOf(code: number): number {
  if ((code >= 0x300 && code <= 0x36f) || code === 0x200d || (code >= 0xfe00 && code <= 0xfe0f)) {
    return 0;
  }
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}
