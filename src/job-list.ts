/**
 * The jobs loaded so far, newest first, kept in order while changes come in.
 */
import type { Job } from './wire';

export class JobList {
  /** Newest first; a new array with every change. */
  get items(): readonly Job[] {
    return this._items;
  }

  /** The oldest job of the pages loaded without a gap. */
  get tail(): string {
    return this._tail;
  }

  get(id: string): Job | undefined {
    return this._byId.get(id);
  }

  clear(): void {
    this._items = [];
    this._byId.clear();
    this._tail = '';
  }

  /** Take jobs in; an older word on a job never replaces a newer one. Returns the ids that changed. */
  put(jobs: readonly Job[]): string[] {
    const fresh = jobs.filter(job => (this._byId.get(job.id)?.seq ?? -1) < job.seq);
    fresh.forEach(job => this._byId.set(job.id, job));
    if (fresh.length) {
      this._items = [...this._byId.values()].sort(newestFirst);
    }
    return fresh.map(job => job.id);
  }

  /** Take in the next page of older jobs. */
  putPage(jobs: readonly Job[]): string[] {
    this._tail = jobs.at(-1)?.id ?? this._tail;
    return this.put(jobs);
  }

  /** Returns the ids that were there. */
  remove(ids: readonly string[]): string[] {
    const known = ids.filter(id => this._byId.has(id));
    if (known.length) {
      this._moveTail(new Set(known));
      known.forEach(id => this._byId.delete(id));
      this._items = this._items.filter(job => this._byId.has(job.id));
    }
    return known;
  }

  /** When the tail goes, the job before it becomes the tail. */
  private _moveTail(going: ReadonlySet<string>): void {
    let index = this._items.findIndex(job => job.id === this._tail);
    while (index >= 0 && going.has(this._items[index].id)) {
      index -= 1;
    }
    this._tail = this._items[index]?.id ?? '';
  }

  private _items: readonly Job[] = [];
  private _tail = '';
  private readonly _byId = new Map<string, Job>();
}

function newestFirst(a: Job, b: Job): number {
  const byTime = compare(b.created_at ?? '', a.created_at ?? '');
  return byTime || compare(b.id, a.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
