/**
 * One value from the server: loaded at most once at a time, its last value kept through errors.
 */
import type { Loadable } from './tokens';
import { ApiError } from './wire';

export class Loader<T> {
  constructor(private readonly _onChange: () => void) {}

  get state(): Loadable<T> {
    return this._state;
  }

  /** Calls made while one is under way share its answer. Never rejects. */
  load(fetch: () => Promise<T>): Promise<void> {
    if (!this._loading) {
      const loading = this._run(fetch).finally(() => {
        if (this._loading === loading) {
          this._loading = undefined;
        }
      });
      this._loading = loading;
    }
    return this._loading;
  }

  set(value: T): void {
    this._forgetLoading();
    this._show({ value, loading: false, at: Date.now() });
  }

  clear(): void {
    this._forgetLoading();
    this._show({ loading: false });
  }

  /** An answer still on its way would be about the past. */
  private _forgetLoading(): void {
    this._epoch += 1;
    this._loading = undefined;
  }

  private async _run(fetch: () => Promise<T>): Promise<void> {
    const epoch = this._epoch;
    this._show({ ...this._state, loading: true });
    const next = await this._attempt(fetch);
    if (epoch === this._epoch) {
      this._show(next);
    }
  }

  private async _attempt(fetch: () => Promise<T>): Promise<Loadable<T>> {
    try {
      return { value: await fetch(), loading: false, at: Date.now() };
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      return { ...this._state, error, loading: false };
    }
  }

  private _show(state: Loadable<T>): void {
    this._state = state;
    this._onChange();
  }

  private _state: Loadable<T> = { loading: false };
  private _loading: Promise<void> | undefined;
  private _epoch = 0;
}
