import * as React from 'react';
import type { ILogModel } from '../tokens';
import { LogDocument, type ICell } from './document';

/** A document that follows its log, and how many rows came in front with the last news. */
export interface IOpenLog {
  document: LogDocument;
  /** Rows put in front since it was last taken; taking it sets it back to 0. */
  takeShift(): number;
  /** Changes with every news, so that effects can depend on it. */
  revision: number;
  redraw(): void;
}

export function useLogDocument(log: ILogModel): IOpenLog {
  const [revision, redraw] = React.useReducer((count: number) => count + 1, 0);
  const document = React.useMemo(() => new LogDocument(log), [log]);
  const shift = React.useRef(0);
  React.useEffect(() => {
    const onChanged = (): void => {
      shift.current += document.sync();
      redraw();
    };
    log.changed.connect(onChanged);
    onChanged();
    return () => {
      log.changed.disconnect(onChanged);
    };
  }, [log, document]);
  const takeShift = (): number => {
    const taken = shift.current;
    shift.current = 0;
    return taken;
  };
  return { document, takeShift, revision, redraw };
}

/** Used where nothing can be measured, as in a hidden tab. */
const FALLBACK: ICell = { width: 8, height: 17 };

/** The size of one character in the log's font, renewed when font or zoom change. */
export function useCell(probe: React.RefObject<HTMLElement>, characters: number): ICell {
  const [cell, setCell] = React.useState(FALLBACK);
  useSize(probe, rect => {
    const width = rect.width / characters || FALLBACK.width;
    const height = Math.ceil(rect.height) || FALLBACK.height;
    setCell(old => (old.width === width && old.height === height ? old : { width, height }));
  });
  return cell;
}

/** The width inside an element, in pixels, without its scroll bar. */
export function useInnerWidth(element: React.RefObject<HTMLElement>): number {
  const [width, setWidth] = React.useState(0);
  useSize(element, () => setWidth(element.current!.clientWidth));
  return width;
}

function useSize(element: React.RefObject<HTMLElement>, onSize: (rect: DOMRect) => void): void {
  React.useLayoutEffect(() => {
    const target = element.current;
    if (!target) {
      return undefined;
    }
    const read = (): void => onSize(target.getBoundingClientRect());
    read();
    if (typeof ResizeObserver === 'undefined') {
      return undefined;
    }
    const observer = new ResizeObserver(read);
    observer.observe(target);
    return () => observer.disconnect();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
}
