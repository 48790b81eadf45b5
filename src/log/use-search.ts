import * as React from 'react';
import type { ILogModel } from '../tokens';
import type { IVirtualListHandle } from '../virtual-list';
import type { IOpenLog } from './use-log';

/** What is searched for in a log and where the user stands among the matches. */
export interface ISearch {
  query: string;
  matches: readonly number[];
  /** The row of the current match, -1 for none, and its place among the matches. */
  row: number;
  position: number;
  input: React.RefObject<HTMLInputElement>;
  setQuery(query: string): void;
  step(step: 1 | -1): void;
  shift(rows: number): void;
}

/** Search in a log; `onJump` is called before the view moves to a match. */
export function useSearch(
  open: IOpenLog,
  log: ILogModel,
  list: React.RefObject<IVirtualListHandle>,
  onJump: () => void
): ISearch {
  const { document } = open;
  const [query, setText] = React.useState('');
  const [row, setRow] = React.useState(-1);
  const input = React.useRef<HTMLInputElement>(null);
  const matches = document.search.matches;
  const goTo = (position: number): void => {
    const index = document.search.matches[position];
    if (index !== undefined) {
      onJump();
      setRow(index);
      list.current?.reveal(index, 'center');
    }
  };
  const setQuery = (text: string): void => {
    setText(text);
    setRow(-1);
    document.search.start(text);
    document.search.update(document.rows);
    if (text && !log.complete) {
      void log.loadAll();
    }
    if (text) {
      goTo(document.search.matchAtOrAfter(list.current?.firstVisible() ?? 0));
    }
  };
  const step = (by: 1 | -1): void => {
    const at = matches.indexOf(row);
    const next = at < 0 ? document.search.matchAtOrAfter(row) : at + by;
    goTo((next + matches.length) % matches.length);
  };
  const shift = (rows: number): void => setRow(old => (old < 0 ? old : old + rows));
  return { query, matches, row, position: matches.indexOf(row), input, setQuery, step, shift };
}
