import * as React from 'react';
import type { ISignal } from '@lumino/signaling';

/** Draw again when one of the signals fires and `concerns` agrees. */
export function useSignal<A>(signal: ISignal<unknown, A>, concerns: (args: A) => boolean = () => true): void {
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  const filter = React.useRef(concerns);
  filter.current = concerns;
  React.useEffect(() => {
    const onNews = (_: unknown, args: A): void => {
      if (filter.current(args)) {
        redraw();
      }
    };
    signal.connect(onNews);
    // What happened between drawing and connecting would be missed.
    redraw();
    return () => {
      signal.disconnect(onNews);
    };
  }, [signal]);
}

/** Whether the widget around is on screen; a hidden one needs no ticking clocks. */
export const VisibleContext = React.createContext(true);

/** The present time in milliseconds, renewed every `intervalMs` while `active` and on screen. */
export function useNow(intervalMs: number, active = true): number {
  const [now, setNow] = React.useState(() => Date.now());
  const visible = React.useContext(VisibleContext);
  React.useEffect(() => {
    if (!active || !visible) {
      return undefined;
    }
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs, active, visible]);
  return now;
}

/** What an action the user started is doing. */
export interface IPending {
  busy: boolean;
  error: unknown;
  /** Run an action; a second one is ignored while the first is under way. Resolves to its success. */
  run(action: () => Promise<unknown>): Promise<boolean>;
  clear(): void;
}

/** Follow one action at a time: under way, failed with an error, or neither. */
export function usePending(): IPending {
  const [state, setState] = React.useState<{ busy: boolean; error: unknown }>({
    busy: false,
    error: undefined
  });
  const alive = React.useRef(true);
  const busy = React.useRef(false);
  React.useEffect(() => {
    alive.current = true;
    return () => {
      alive.current = false;
    };
  }, []);
  const settle = (error: unknown): void => {
    busy.current = false;
    if (alive.current) {
      setState({ busy: false, error });
    }
  };
  const run = async (action: () => Promise<unknown>): Promise<boolean> => {
    if (busy.current) {
      return false;
    }
    busy.current = true;
    setState({ busy: true, error: undefined });
    try {
      await action();
    } catch (error) {
      settle(error);
      return false;
    }
    settle(undefined);
    return true;
  };
  return { ...state, run, clear: () => setState({ busy: busy.current, error: undefined }) };
}
