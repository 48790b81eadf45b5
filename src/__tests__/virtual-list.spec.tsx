import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';
import { RowHeights } from '../log/row-heights';
import {
  rowForKey,
  rowWindow,
  uniformRows,
  VirtualList,
  type IScrollNews,
  type IVirtualListHandle
} from '../virtual-list';
import { giveElementsHeight, VIEW_HEIGHT } from './lab-server';

const ROW = 20;

beforeEach(() => giveElementsHeight());

interface IListProps {
  count: number;
  follow?: boolean;
  onScrolled?(news: IScrollNews): void;
  handle?: React.Ref<IVirtualListHandle>;
}

function List(props: IListProps): React.ReactElement {
  const { count, ...rest } = props;
  return (
    <VirtualList
      role="list"
      metrics={uniformRows(count, ROW)}
      overscan={5}
      renderRow={index => (
        <div key={index} role="listitem">
          {`row ${index}`}
        </div>
      )}
      {...rest}
    />
  );
}

function texts(): string[] {
  return screen.getAllByRole('listitem').map(item => item.textContent!);
}

function scrollTo(top: number): void {
  const list = screen.getByRole('list');
  list.scrollTop = top;
  fireEvent.scroll(list);
}

describe('VirtualList', () => {
  it('draws only a window of 200,000 rows', () => {
    render(<List count={200_000} />);
    expect(texts()[0]).toBe('row 0');
    expect(texts().length).toBeLessThanOrEqual(VIEW_HEIGHT / ROW + 12);
  });

  it('takes the full height, so that the scroll bar tells the truth', () => {
    render(<List count={1000} />);
    const inner = screen.getByRole('list').firstElementChild as HTMLElement;
    expect(inner.style.height).toBe('20000px');
  });

  it('moves the window with the scroll position', () => {
    render(<List count={200_000} />);
    scrollTo(100_000 * ROW);
    expect(texts()).toContain('row 100000');
    expect(texts()[0]).toBe('row 99995');
    expect(texts()).not.toContain('row 0');
  });

  it('keeps the end in view while it follows', () => {
    const { rerender } = render(<List count={100} follow />);
    rerender(<List count={5000} follow />);
    expect(screen.getByRole('list').scrollTop).toBe(5000 * ROW - VIEW_HEIGHT);
  });

  it('leaves the position alone while it does not follow', () => {
    const { rerender } = render(<List count={100} />);
    scrollTo(300);
    rerender(<List count={5000} />);
    expect(screen.getByRole('list').scrollTop).toBe(300);
  });

  it('tells which way and whether to the end it was scrolled', () => {
    const news: IScrollNews[] = [];
    render(<List count={100} onScrolled={one => news.push(one)} />);
    scrollTo(100 * ROW - VIEW_HEIGHT);
    scrollTo(200);
    expect(news.map(({ atEnd, direction }) => [atEnd, direction])).toEqual([
      [true, 'down'],
      [false, 'up']
    ]);
  });

  it('brings a row into view, and leaves one alone that is', () => {
    const handle = React.createRef<IVirtualListHandle>();
    render(<List count={1000} handle={handle} />);
    const list = screen.getByRole('list');
    act(() => handle.current!.reveal(3));
    expect(list.scrollTop).toBe(0);
    act(() => handle.current!.reveal(500));
    expect(list.scrollTop).toBe(501 * ROW - VIEW_HEIGHT);
    act(() => handle.current!.reveal(100, 'center'));
    expect(list.scrollTop).toBe(100 * ROW - (VIEW_HEIGHT - ROW) / 2);
  });

  it('draws an empty list', () => {
    render(<List count={0} />);
    expect(screen.queryAllByRole('listitem')).toHaveLength(0);
  });
});

describe('rowForKey', () => {
  it.each([
    ['ArrowDown', 5, 6],
    ['ArrowUp', 5, 4],
    ['ArrowUp', 0, 0],
    ['PageDown', 5, 15],
    ['PageDown', 95, 99],
    ['Home', 50, 0],
    ['End', 50, 99],
    ['a', 5, undefined]
  ])('%s from %i leads to %s', (key, from, to) => {
    expect(rowForKey(key, from, 100, 10)).toBe(to);
  });

  it('leads nowhere in an empty list', () => {
    expect(rowForKey('End', 0, 0, 10)).toBeUndefined();
  });
});

describe('RowHeights', () => {
  it('agrees with plain sums while rows are added and corrected', () => {
    const heights: number[] = [];
    const tree = new RowHeights();
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
    for (let step = 0; step < 600; step++) {
      const height = 17 * (1 + random(4));
      if (heights.length > 0 && random(3) === 0) {
        const index = random(heights.length);
        heights[index] = height;
        tree.set(index, height);
      } else {
        heights.push(height);
        tree.push(height);
      }
    }
    let sum = 0;
    heights.forEach((height, index) => {
      expect(tree.offsetOf(index)).toBe(sum);
      expect(tree.indexAt(sum)).toBe(index);
      expect(tree.indexAt(sum + height - 1)).toBe(index);
      sum += height;
    });
    expect(tree.total).toBe(sum);
    expect(tree.indexAt(sum + 1000)).toBe(heights.length - 1);
  });

  it('gives the window of rows of different heights', () => {
    const tree = new RowHeights();
    [10, 100, 10, 10, 10].forEach(height => tree.push(height));
    expect(rowWindow(tree, 50, 65, 0)).toEqual({ first: 1, end: 3 });
    expect(rowWindow(new RowHeights(), 0, 100, 3)).toEqual({ first: 0, end: 0 });
  });
});
