import type { ILogModel } from '../tokens';
import type { IRowMetrics } from '../virtual-list';
import { uniformRows } from '../virtual-list';
import { RowHeights } from './row-heights';
import { columnsOf, LogRows, type IRow } from './rows';
import { LogSearch } from './search';

/** The size of one character cell in pixels. */
export interface ICell {
  width: number;
  height: number;
}

/** Longer lines are cut on screen (never in a copy): a browser lays out a megabyte in one line too slowly. */
export const MAX_SHOWN_CHARACTERS = 20_000;

/** A log as it is shown: its rows, where they lie, and what was found in them. */
export class LogDocument {
  readonly search = new LogSearch();

  constructor(private readonly _log: ILogModel) {}

  get rows(): readonly IRow[] {
    return this._rows.rows;
  }

  /**
   * Take in what the log has loaded since the last call. Returns how many rows were put in front of the
   * ones that were there.
   */
  sync(): number {
    const before = this.rows.length;
    const log = this._log;
    const firstN = log.line(0)?.n;
    const isOther = log.loaded < this._taken || (this._taken > 0 && firstN !== this._firstN);
    const lastN = this.rows[before - 1]?.n;
    if (isOther) {
      this._rows.clear();
      this._heights.clear();
      this.search.reset();
      this._taken = 0;
    }
    this._firstN = firstN;
    const grownFrom = isOther ? 0 : before;
    for (; this._taken < log.loaded; this._taken++) {
      this._rows.append(log.line(this._taken)!);
    }
    this.search.update(this.rows);
    this._updateHeights(Math.max(0, grownFrom - 1));
    return isOther && before > 0 ? this._indexOf(lastN) + 1 - before : 0;
  }

  /** Wrap rows at a number of columns; undefined: each row is one line. */
  wrapAt(columns: number | undefined, cell: ICell): void {
    if (columns !== this._columns || cell.height !== this._cell.height) {
      this._columns = columns;
      this._cell = cell;
      this._heights.clear();
      this._updateHeights(0);
    }
  }

  get metrics(): IRowMetrics {
    return this._columns === undefined ? uniformRows(this.rows.length, this._cell.height) : this._heights;
  }

  /** Put the true height of a drawn row in place of the estimate. Returns by how much it differs. */
  correctHeight(index: number, height: number): number {
    if (this._columns === undefined || index >= this._heights.count) {
      return 0;
    }
    const change = height - this._heights.get(index);
    if (change !== 0) {
      this._heights.set(index, height);
    }
    return change;
  }

  /** All loaded rows as plain text. */
  text(plain: (text: string) => string): string {
    return this.rows.map(row => `${plain(row.text)}\n`).join('');
  }

  /** The last row may have been redrawn, so heights are renewed from there on. */
  private _updateHeights(from: number): void {
    if (this._columns === undefined) {
      return;
    }
    for (let index = Math.min(from, this._heights.count); index < this.rows.length; index++) {
      const lines = Math.max(1, Math.ceil(this._shownColumns(index) / this._columns));
      const height = lines * this._cell.height;
      if (index < this._heights.count) {
        this._heights.set(index, height);
      } else {
        this._heights.push(height);
      }
    }
  }

  private _shownColumns(index: number): number {
    return columnsOf(this.rows[index].text.slice(0, MAX_SHOWN_CHARACTERS));
  }

  private _indexOf(n: number): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].n <= n) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  private readonly _rows = new LogRows();
  private readonly _heights = new RowHeights();
  private _columns: number | undefined;
  private _cell: ICell = { width: 8, height: 17 };
  private _taken = 0;
  private _firstN: number | undefined;
}
