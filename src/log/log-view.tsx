import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IActions, IKaggleModel, ILogModel } from '../tokens';
import { VirtualList, type IScrollNews, type IVirtualListHandle } from '../virtual-list';
import { useSignal } from '../sidebar/hooks';
import type { ICell, LogDocument } from './document';
import { CopyButton, Switches } from './log-buttons';
import { LogHeader } from './log-header';
import { LogRow } from './log-row';
import { LogStateLine } from './log-state';
import { SearchBar } from './search-bar';
import { useSearch, type ISearch } from './use-search';
import { useCell, useInnerWidth, useLogDocument, type IOpenLog } from './use-log';

export interface ILogViewProps {
  model: IKaggleModel;
  log: ILogModel;
  trans: TranslationBundle;
  actions: IActions;
  /** Whether the end is kept in view at first. */
  follow: boolean;
}

/** Width of the time column and of the gap at the right edge, in characters. */
const GUTTER_CHARACTERS = 9;
const PROBE = '0'.repeat(20);

/** The log of one job: it follows the end, searches, wraps and copies. */
export function LogView(props: ILogViewProps): React.ReactElement {
  const { model, log, trans } = props;
  useSignal(model.jobsChanged, ids => ids.includes(log.jobId));
  useSignal(model.connectionChanged);
  const open = useLogDocument(log);
  const [follow, setFollow] = React.useState(props.follow);
  const [wrap, setWrap] = React.useState(false);
  const list = React.useRef<IVirtualListHandle>(null);
  const scroller = React.useRef<HTMLDivElement>(null);
  const probe = React.useRef<HTMLPreElement>(null);
  const cell = useCell(probe, PROBE.length);
  const width = useInnerWidth(scroller);
  const metrics = useMetrics(open.document, cell, wrap ? width : undefined);
  const search = useSearch(open, log, list, () => setFollow(false));
  useKeptPosition(open, list, follow, search.shift);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f') {
      event.preventDefault();
      event.stopPropagation();
      search.input.current?.focus();
      search.input.current?.select();
    }
  };
  const onScrolled = ({ atEnd, direction }: IScrollNews): void => {
    if (direction === 'up' && !atEnd) {
      setFollow(false);
    } else if (direction === 'down' && atEnd) {
      setFollow(true);
    }
  };
  return (
    <div className="jp-KaggleLab-logView" onKeyDown={onKeyDown}>
      <div className="jp-KaggleLab-toolbar" role="toolbar" aria-label={trans.__('Log')}>
        <LogHeader {...props} />
        <SearchBar
          trans={trans}
          query={search.query}
          count={search.matches.length}
          position={search.position + 1}
          partial={!log.complete}
          inputRef={search.input}
          onQuery={search.setQuery}
          onStep={search.step}
          onLeave={() => {
            search.setQuery('');
            list.current?.element.focus();
          }}
        />
        <Switches trans={trans} follow={follow} wrap={wrap} onFollow={setFollow} onWrap={setWrap} />
        <CopyButton trans={trans} log={log} document={open.document} />
      </div>
      <div
        className="jp-KaggleLab-logBody jp-RenderedText"
        ref={scroller}
        style={cellStyle(cell)}
        data-wrap={wrap}
      >
        <pre className="jp-KaggleLab-probe" aria-hidden="true" ref={probe}>
          {PROBE}
        </pre>
        <VirtualList
          className="jp-KaggleLab-logList"
          role="log"
          aria-live="off"
          aria-label={trans.__('Lines of the log')}
          tabIndex={0}
          metrics={metrics}
          overscan={20}
          follow={follow}
          handle={list}
          onScrolled={onScrolled}
          onDrawn={(rows, first) => correctHeights(open, list.current, rows, first)}
          renderRow={index => rowAt(trans, open.document, search, index)}
        />
      </div>
      <LogStateLine {...props} />
    </div>
  );
}

function rowAt(
  trans: TranslationBundle,
  document: LogDocument,
  search: ISearch,
  index: number
): React.ReactElement {
  return (
    <LogRow
      key={index}
      trans={trans}
      row={document.rows[index]}
      query={search.query.toLowerCase()}
      current={index === search.row}
    />
  );
}

function cellStyle(cell: ICell): React.CSSProperties {
  return {
    '--jp-private-KaggleLab-line': `${cell.height}px`,
    '--jp-private-KaggleLab-gutter': `${cell.width * GUTTER_CHARACTERS}px`
  } as React.CSSProperties;
}

function useMetrics(
  document: LogDocument,
  cell: ICell,
  wrapWidth: number | undefined
): LogDocument['metrics'] {
  const columns =
    wrapWidth === undefined
      ? undefined
      : Math.max(10, Math.floor(wrapWidth / cell.width) - GUTTER_CHARACTERS - 2);
  document.wrapAt(columns, cell);
  return document.metrics;
}

/** Where the rows shown have other heights than estimated, put the true ones in. */
function correctHeights(
  open: IOpenLog,
  list: IVirtualListHandle | null,
  rows: HTMLElement,
  first: number
): void {
  if (!list || rows.parentElement!.clientWidth === 0) {
    return;
  }
  let changed = false;
  let above = 0;
  const top = list.element.scrollTop;
  Array.from(rows.children).forEach((row, at) => {
    const isAbove = open.document.metrics.offsetOf(first + at + 1) <= top;
    const change = open.document.correctHeight(first + at, (row as HTMLElement).offsetHeight);
    changed ||= change !== 0;
    above += isAbove ? change : 0;
  });
  if (changed) {
    list.scrollBy(above);
    open.redraw();
  }
}

/** Rows put in front must not move what the user reads. */
function useKeptPosition(
  open: IOpenLog,
  list: React.RefObject<IVirtualListHandle>,
  follow: boolean,
  onShift: (rows: number) => void
): void {
  React.useLayoutEffect(() => {
    const shift = open.takeShift();
    if (shift > 0) {
      onShift(shift);
      if (!follow && list.current) {
        list.current.scrollBy(open.document.metrics.offsetOf(shift));
      }
    }
  });
}
