import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretUpIcon } from '@jupyterlab/ui-components';

interface ISearchBarProps {
  trans: TranslationBundle;
  query: string;
  /** How many rows match, and which of them is the current one, from 1; 0 for none. */
  count: number;
  position: number;
  /** Older lines are still being loaded, so the count is not final. */
  partial: boolean;
  inputRef: React.Ref<HTMLInputElement>;
  onQuery(query: string): void;
  onStep(step: 1 | -1): void;
  onLeave(): void;
}

/** Search box with the number of matches, and ways to the next and the previous one. */
export function SearchBar(props: ISearchBarProps): React.ReactElement {
  const { trans, query, count, onQuery, onStep, onLeave } = props;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Enter') {
      event.preventDefault();
      onStep(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      onLeave();
    }
  };
  return (
    <div className="jp-KaggleLab-search" role="search">
      <input
        type="text"
        className="jp-KaggleLab-input"
        ref={props.inputRef}
        value={query}
        placeholder={trans.__('Search the log')}
        aria-label={trans.__('Search the log')}
        spellCheck={false}
        onChange={event => onQuery(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <span className="jp-KaggleLab-count" role="status">
        {countText(props)}
      </span>
      <button
        type="button"
        className="jp-KaggleLab-iconButton"
        title={trans.__('Previous match (Shift+Enter)')}
        aria-label={trans.__('Previous match')}
        disabled={count === 0}
        onClick={() => onStep(-1)}
      >
        <caretUpIcon.react tag="span" />
      </button>
      <button
        type="button"
        className="jp-KaggleLab-iconButton"
        title={trans.__('Next match (Enter)')}
        aria-label={trans.__('Next match')}
        disabled={count === 0}
        onClick={() => onStep(1)}
      >
        <caretDownIcon.react tag="span" />
      </button>
    </div>
  );
}

function countText(props: ISearchBarProps): string {
  const { trans, query, count, position, partial } = props;
  if (!query) {
    return '';
  }
  if (count === 0) {
    return partial ? trans.__('Searching…') : trans.__('No match');
  }
  return partial ? trans.__('%1 of %2…', position, count) : trans.__('%1 of %2', position, count);
}
