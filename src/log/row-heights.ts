import type { IRowMetrics } from '../virtual-list';

/**
 * Metrics of rows of different heights, for wrapped lines: a Fenwick tree, so that appending a row,
 * correcting one height and finding a row by its offset all take logarithmic time.
 */
export class RowHeights implements IRowMetrics {
  private _heights: number[] = [];
  /** `_sums[i]` holds the heights of the rows `(i - lowest bit of i, i]`, counted from 1. */
  private _sums: number[] = [0];
  private _total = 0;

  get count(): number {
    return this._heights.length;
  }

  /** Height of all rows, in pixels. */
  get total(): number {
    return this._total;
  }

  clear(): void {
    this._heights = [];
    this._sums = [0];
    this._total = 0;
  }

  push(height: number): void {
    this._heights.push(height);
    this._total += height;
    const at = this._heights.length;
    let sum = height;
    for (let child = at - 1, stop = at - (at & -at); child > stop; child -= child & -child) {
      sum += this._sums[child];
    }
    this._sums.push(sum);
  }

  set(index: number, height: number): void {
    const change = height - this._heights[index];
    this._heights[index] = height;
    this._total += change;
    for (let at = index + 1; at < this._sums.length; at += at & -at) {
      this._sums[at] += change;
    }
  }

  get(index: number): number {
    return this._heights[index];
  }

  offsetOf(index: number): number {
    let sum = 0;
    for (let at = index; at > 0; at -= at & -at) {
      sum += this._sums[at];
    }
    return sum;
  }

  indexAt(offset: number): number {
    let at = 0;
    let left = offset;
    for (let step = highestBit(this.count); step > 0; step >>= 1) {
      if (at + step <= this.count && this._sums[at + step] <= left) {
        at += step;
        left -= this._sums[at];
      }
    }
    return Math.max(0, Math.min(at, this.count - 1));
  }
}

function highestBit(value: number): number {
  return value === 0 ? 0 : 1 << (31 - Math.clz32(value));
}
