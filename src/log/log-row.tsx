import * as React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';
import { segments } from './ansi';
import { MAX_SHOWN_CHARACTERS } from './document';
import type { IRow } from './rows';
import { markSegments } from './search';

/** What Kaggle's own tools say on stderr at the end of every run, a good one too: no alarm. */
const SERVICE_LINE = /^\[(NbConvertApp|kaggle-emulator)\]/;

interface ILogRowProps {
  trans: TranslationBundle;
  row: IRow;
  /** What is searched for, in lower case; matches are marked. */
  query: string;
  /** Whether this row holds the match the user stands on. */
  current: boolean;
}

/** One row of the log. Rows keep their identity, so only new and redrawn ones are drawn again. */
export const LogRow = React.memo((props: ILogRowProps): React.ReactElement => {
  const { trans, row, query, current } = props;
  const classes = ['jp-KaggleLab-logRow'];
  if (SERVICE_LINE.test(row.text)) {
    classes.push('jp-mod-service');
  } else if (row.stream === 'stderr') {
    classes.push('jp-mod-stderr');
  }
  if (current) {
    classes.push('jp-mod-current');
  }
  const cut = row.text.length - MAX_SHOWN_CHARACTERS;
  return (
    <pre className={classes.join(' ')} data-time={clockText(row.timeS)} data-stream={row.stream}>
      <LogText text={cut > 0 ? row.text.slice(0, MAX_SHOWN_CHARACTERS) : row.text} query={query} />
      {cut > 0 && (
        <em className="jp-KaggleLab-cut">
          {trans._n('… (%1 more character, in a copy)', '… (%1 more characters, in a copy)', cut)}
        </em>
      )}
    </pre>
  );
});
LogRow.displayName = 'LogRow';

function LogText(props: { text: string; query: string }): React.ReactElement {
  const parts = markSegments(segments(props.text), props.query);
  return (
    <>
      {parts.map(({ text, className, color, backgroundColor, marked }, index) => {
        const style = color || backgroundColor ? { color, backgroundColor } : undefined;
        const Tag = marked ? 'mark' : 'span';
        return !marked && !className && !style ? (
          text
        ) : (
          <Tag key={index} className={className || undefined} style={style}>
            {text}
          </Tag>
        );
      })}
    </>
  );
}

/** Seconds since the session began as `m:ss` or `h:mm:ss`. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
