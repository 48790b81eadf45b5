import { nullTranslator } from '@jupyterlab/translation';
import {
  baseName,
  describeAccelerator,
  describeError,
  describeQuota,
  formatAgo,
  formatBytes,
  formatDuration,
  formatHours,
  formatLimit,
  formatUntil
} from '../format';
import { ApiError, type Accelerator } from '../wire';

const trans = nullTranslator.load('kaggle_lab');
const NOW = Date.parse('2026-11-21T08:00:00Z');
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();

describe('times', () => {
  it.each([
    [0, '0 s'],
    [59.9, '59 s'],
    [200, '3 min 20 s'],
    [3900, '1 h 5 min'],
    [187_200, '2 d 4 h'],
    [-5, '0 s']
  ])('writes %s seconds as %s', (seconds, text) => {
    expect(formatDuration(trans, seconds)).toBe(text);
  });

  it.each([
    [77_040, '21.4 h'],
    [108_000, '30 h'],
    [359, '0 h'],
    [-1, '0 h'],
    [3599, '0.9 h']
  ])('promises of %s seconds no more than %s', (seconds, text) => {
    expect(formatHours(trans, seconds)).toBe(text);
  });

  it.each([
    [43_200, '12 h'],
    [900, '15 min'],
    [5400, '1 h 30 min']
  ])('writes the limit %s as %s', (seconds, text) => {
    expect(formatLimit(trans, seconds)).toBe(text);
  });

  it.each([
    [-5, 'just now'],
    [-200, '3 min ago'],
    [-7300, '2 h ago'],
    [-200_000, '2 d ago']
  ])('tells how long ago %s seconds are', (seconds, text) => {
    expect(formatAgo(trans, at(seconds), NOW)).toBe(text);
  });

  it('says nothing about no time', () => {
    expect([
      formatAgo(trans, null, NOW),
      formatUntil(trans, 'soon', NOW),
      formatUntil(trans, at(-1), NOW)
    ]).toEqual(['', '', '']);
  });

  it('counts down', () => {
    expect(formatUntil(trans, at(187_300), NOW)).toBe('2 d 4 h');
    expect(formatUntil(trans, at(30), NOW)).toBe('less than a minute');
  });
});

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [5321, '5.2 KiB'],
    [1_048_576, '1.0 MiB'],
    [1_073_741_824, '1.0 GiB'],
    [5e12, '4.5 TiB']
  ])('writes %s as %s', (bytes, text) => {
    expect(formatBytes(trans, bytes)).toBe(text);
  });
});

describe('sentences', () => {
  it('tells the quota and when it is renewed', () => {
    const share = { used_s: 30_960, reserved_s: 0, allowed_s: 108_000, left_s: 77_040 };
    expect(describeQuota(trans, share, at(187_200), NOW)).toBe(
      '21.4 h of 30 h left this week, renewed in 2 d 4 h'
    );
    expect(describeQuota(trans, share, null, NOW)).toBe('21.4 h of 30 h left this week');
  });

  it.each([
    ['everyone', 'GPU'],
    ['phone', 'GPU'],
    ['gated', 'GPU (not open to everyone)'],
    ['retired', 'GPU (retired)']
  ] as const)('marks an accelerator for %s', (availability, text) => {
    expect(describeAccelerator(trans, { label: 'GPU', availability } as Accelerator)).toBe(text);
  });

  it('keeps the server’s own words', () => {
    const error = new ApiError({ code: 'quota', cause: 'Used up.', remedy: 'Wait.' }, 409);
    expect(describeError(trans, error)).toEqual({ cause: 'Used up.', remedy: 'Wait.' });
  });

  it.each(['server_unreachable', 'server_missing', 'forbidden', 'confused'])(
    'has a cause and a remedy for %s',
    code => {
      const { cause, remedy } = describeError(trans, new ApiError({ code }, 0));
      expect(cause).not.toContain(code);
      expect([cause.length, remedy.length].every(length => length > 10)).toBe(true);
    }
  );

  it('says what any other error says', () => {
    expect(describeError(trans, new TypeError('boom'))).toEqual({ cause: 'boom', remedy: '' });
    expect(describeError(trans, 'plain')).toEqual({ cause: 'plain', remedy: '' });
  });

  it('finds the file in a path', () => {
    expect([baseName('a/b/c.ipynb'), baseName('c.ipynb')]).toEqual(['c.ipynb', 'c.ipynb']);
  });
});
