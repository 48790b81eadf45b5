/**
 * A list that draws only the rows in view. It knows offsets, not contents: 10,000 runs and a
 * 200,000-line log are the same to it.
 */
import * as React from 'react';

/** Where the rows of a list lie, in pixels from its top. */
export interface IRowMetrics {
  readonly count: number;
  readonly total: number;
  offsetOf(index: number): number;
  /** The row at a distance from the top; the nearest one outside the list's ends. */
  indexAt(offset: number): number;
}

/** Metrics of `count` rows that are all `height` pixels high. */
export function uniformRows(count: number, height: number): IRowMetrics {
  return {
    count,
    total: count * height,
    offsetOf: index => index * height,
    indexAt: offset => clamp(Math.floor(offset / height), 0, count - 1)
  };
}

/** The half-open range of rows to draw. */
export interface IRowWindow {
  first: number;
  end: number;
}

/** Which rows a viewport shows, and `overscan` more on both sides. */
export function rowWindow(metrics: IRowMetrics, top: number, height: number, overscan: number): IRowWindow {
  if (metrics.count === 0) {
    return { first: 0, end: 0 };
  }
  const first = Math.max(0, metrics.indexAt(top) - overscan);
  const end = Math.min(metrics.count, metrics.indexAt(top + height) + 1 + overscan);
  return { first, end: Math.max(first, end) };
}

/** The row a navigation key leads to from `from`, or undefined for any other key. */
export function rowForKey(key: string, from: number, count: number, page: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + page,
    PageUp: from - page,
    Home: 0,
    End: count - 1
  };
  return count > 0 && key in steps ? clamp(steps[key], 0, count - 1) : undefined;
}

/** What the owner of a list can ask of it. */
export interface IVirtualListHandle {
  readonly element: HTMLDivElement;
  /** Bring a row into view; `center` puts it in the middle when it was outside. */
  reveal(index: number, align?: 'nearest' | 'center'): void;
  /** Move the view by a number of pixels. */
  scrollBy(pixels: number): void;
  /** The first row in view. */
  firstVisible(): number;
  /** How many rows of the first row's height fit in view. */
  pageSize(): number;
}

/** What a scroll did, told to the owner. */
export interface IScrollNews {
  atEnd: boolean;
  direction: 'up' | 'down' | 'none';
  window: IRowWindow;
}

interface IVirtualListProps extends Omit<React.HTMLAttributes<HTMLDivElement>, 'onScroll'> {
  metrics: IRowMetrics;
  /** Draws one row; the element must carry a key. */
  renderRow(index: number): React.ReactElement;
  overscan?: number;
  /** Keep the end in view while rows are added. */
  follow?: boolean;
  onScrolled?(news: IScrollNews): void;
  /** Called after each drawing, with the box that holds the rows in order from `first`. */
  onDrawn?(rows: HTMLElement, first: number): void;
  handle?: React.Ref<IVirtualListHandle>;
}

/** How near to the end still counts as the end, in pixels: zoom makes scroll positions fractional. */
const END_SLACK = 4;

export function VirtualList(props: IVirtualListProps): React.ReactElement {
  const {
    metrics,
    renderRow,
    overscan = 8,
    follow = false,
    onScrolled,
    onDrawn,
    handle,
    ...attributes
  } = props;
  const box = React.useRef<HTMLDivElement>(null);
  const view = useViewport(box, metrics, overscan);
  const { moveTo } = view;
  const shown = rowWindow(metrics, view.top, view.height, overscan);
  useFollow(box, follow, metrics.total, view);
  React.useImperativeHandle(handle, () => listHandle(box, metrics, moveTo), [metrics, moveTo]);
  React.useLayoutEffect(() => onDrawn?.(rowBox(box.current!), shown.first));
  const lastTop = React.useRef(0);
  const onScroll = (): void => {
    const element = box.current!;
    view.read();
    onScrolled?.(scrollNews(element, metrics, lastTop.current, overscan));
    lastTop.current = element.scrollTop;
  };
  const rows: React.ReactElement[] = [];
  for (let index = shown.first; index < shown.end; index++) {
    rows.push(renderRow(index));
  }
  return (
    <div {...attributes} ref={box} onScroll={onScroll}>
      <div role="presentation" style={{ height: metrics.total, position: 'relative' }}>
        <div
          role="presentation"
          className="jp-KaggleLab-rows"
          style={{ position: 'absolute', left: 0, minWidth: '100%', top: metrics.offsetOf(shown.first) }}
        >
          {rows}
        </div>
      </div>
    </div>
  );
}

function rowBox(element: HTMLElement): HTMLElement {
  return element.firstElementChild!.firstElementChild as HTMLElement;
}

interface IViewport {
  top: number;
  height: number;
  /** Look where the box is scrolled to. */
  read(): void;
  /** Scroll the box and draw what is there at once, not only with the scroll event a frame later. */
  moveTo(top: number): void;
}

/** The scroll position and height of a box, renewed only when that changes which rows are drawn. */
function useViewport(
  box: React.RefObject<HTMLDivElement>,
  metrics: IRowMetrics,
  overscan: number
): IViewport {
  const [state, setState] = React.useState({ top: 0, height: 0 });
  const rows = React.useRef({ metrics, overscan });
  rows.current = { metrics, overscan };
  const read = React.useCallback(() => {
    const { scrollTop: top, clientHeight: height } = box.current!;
    if (height === 0) {
      return; // hidden, as while the theme is switched: what it tells then is not where it stands
    }
    setState(old => {
      const { metrics, overscan } = rows.current;
      const before = rowWindow(metrics, old.top, old.height, overscan);
      const after = rowWindow(metrics, top, height, overscan);
      const same = before.first === after.first && before.end === after.end && old.height === height;
      return same ? old : { top, height };
    });
  }, [box]);
  const moveTo = React.useCallback(
    (top: number) => {
      box.current!.scrollTop = top;
      read();
    },
    [box, read]
  );
  React.useLayoutEffect(() => {
    read();
    return onResize(box.current!, read);
  }, [box, read]);
  // Removed rows make the browser move the scroll position without any event.
  React.useLayoutEffect(() => read(), [metrics.total, read]);
  return { ...state, read, moveTo };
}

function onResize(element: HTMLElement, callback: () => void): (() => void) | undefined {
  if (typeof ResizeObserver === 'undefined') {
    return undefined;
  }
  const observer = new ResizeObserver(callback);
  observer.observe(element);
  return () => observer.disconnect();
}

/** Keep the end in view. Done before painting, so that no frame shows what is elsewhere. */
function useFollow(
  box: React.RefObject<HTMLDivElement>,
  follow: boolean,
  total: number,
  { height, moveTo }: IViewport
): void {
  React.useLayoutEffect(() => {
    if (follow) {
      moveTo(Math.max(0, total - box.current!.clientHeight));
    }
  }, [box, follow, total, height, moveTo]);
}

function scrollNews(
  element: HTMLElement,
  metrics: IRowMetrics,
  lastTop: number,
  overscan: number
): IScrollNews {
  const { scrollTop: top, clientHeight: height } = element;
  return {
    atEnd: top + height >= metrics.total - END_SLACK,
    direction: top < lastTop - 1 ? 'up' : top > lastTop + 1 ? 'down' : 'none',
    window: rowWindow(metrics, top, height, overscan)
  };
}

function listHandle(
  box: React.RefObject<HTMLDivElement>,
  metrics: IRowMetrics,
  moveTo: IViewport['moveTo']
): IVirtualListHandle {
  return {
    get element() {
      return box.current!;
    },
    reveal: (index, align = 'nearest') => {
      const top = topToReveal(box.current!, metrics, index, align);
      if (top !== undefined) {
        moveTo(top);
      }
    },
    scrollBy: pixels => moveTo(box.current!.scrollTop + pixels),
    firstVisible: () => metrics.indexAt(box.current!.scrollTop),
    pageSize: () => {
      const height = metrics.count > 0 ? metrics.total / metrics.count : 1;
      return Math.max(1, Math.floor(box.current!.clientHeight / height) - 1);
    }
  };
}

/** The scroll position that shows a row; undefined when it is in view already. */
function topToReveal(
  element: HTMLElement,
  metrics: IRowMetrics,
  index: number,
  align: 'nearest' | 'center'
): number | undefined {
  const top = metrics.offsetOf(index);
  const bottom = index + 1 < metrics.count ? metrics.offsetOf(index + 1) : metrics.total;
  const { scrollTop, clientHeight } = element;
  if (top >= scrollTop && bottom <= scrollTop + clientHeight) {
    return undefined;
  }
  if (align === 'center') {
    return Math.max(0, top - (clientHeight - (bottom - top)) / 2);
  }
  return top < scrollTop ? top : bottom - clientHeight;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
