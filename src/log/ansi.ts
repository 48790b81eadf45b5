/**
 * Terminal colours as segments that carry JupyterLab's own `ansi-…` classes. Text stays text: nothing
 * here makes HTML. `renderText` of rendermime draws whole outputs into a host, asynchronously; a
 * virtualised log needs single lines at once, cut where the search matches.
 */

/** A stretch of a line in one look. */
export interface ISegment {
  text: string;
  className: string;
  color?: string;
  backgroundColor?: string;
}

interface ILook {
  fg: string;
  bg: string;
  bold: boolean;
  underline: boolean;
  inverse: boolean;
}

const PLAIN: ILook = { fg: '', bg: '', bold: false, underline: false, inverse: false };
const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

/** CSI sequences, OSC strings, other escapes, and control characters except the tab. */
const ESCAPES =
  // eslint-disable-next-line no-control-regex
  /\x1b\[([0-?]*)[ -/]*([@-~])?|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f]/g;

// eslint-disable-next-line no-control-regex
const HAS_CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/;

/** The text as read, without escapes and control characters. */
export function plainText(text: string): string {
  return HAS_CONTROL.test(text) ? text.replace(ESCAPES, '') : text;
}

/** Cut a line into stretches of one look each. */
export function segments(text: string): ISegment[] {
  if (!HAS_CONTROL.test(text)) {
    return text ? [{ text, className: '' }] : [];
  }
  const found: ISegment[] = [];
  let look = PLAIN;
  let from = 0;
  for (const match of text.matchAll(ESCAPES)) {
    push(found, text.slice(from, match.index), look);
    from = match.index + match[0].length;
    if (match[2] === 'm') {
      look = applyCodes(look, match[1]);
    }
  }
  push(found, text.slice(from), look);
  return found;
}

function push(found: ISegment[], text: string, look: ILook): void {
  if (text) {
    found.push({ text, ...dress(look) });
  }
}

function applyCodes(look: ILook, parameters: string): ILook {
  const codes = parameters.split(/[;:]/).map(code => Number(code) || 0);
  let next = look;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at];
    if (code === 38 || code === 48) {
      const [colour, used] = extendedColour(codes, at + 1);
      next = code === 38 ? { ...next, fg: colour } : { ...next, bg: colour };
      at += used;
    } else {
      next = applyCode(next, code);
    }
  }
  return next;
}

function applyCode(look: ILook, code: number): ILook {
  switch (code) {
    case 0:
      return PLAIN;
    case 1:
      return { ...look, bold: true };
    case 4:
      return { ...look, underline: true };
    case 7:
      return { ...look, inverse: true };
    case 22:
      return { ...look, bold: false };
    case 24:
      return { ...look, underline: false };
    case 27:
      return { ...look, inverse: false };
    default:
      return applyColour(look, code);
  }
}

function applyColour(look: ILook, code: number): ILook {
  const tens = Math.floor(code / 10);
  const ones = code % 10;
  const colour = ones < 8 ? NAMES[ones] : '';
  switch (tens) {
    case 3:
      return { ...look, fg: colour };
    case 4:
      return { ...look, bg: colour };
    case 9:
      return colour ? { ...look, fg: `${colour}-intense` } : look;
    case 10:
      return colour ? { ...look, bg: `${colour}-intense` } : look;
    default:
      return look;
  }
}

/** A colour of the 256 table or a full one, and how many codes it took. */
function extendedColour(codes: number[], at: number): [string, number] {
  if (codes[at] === 2) {
    const [r, g, b] = codes.slice(at + 1, at + 4).map(part => Math.min(255, part || 0));
    return [`rgb(${r ?? 0}, ${g ?? 0}, ${b ?? 0})`, 4];
  }
  return codes[at] === 5 ? [tableColour(Math.min(255, codes[at + 1] ?? 0)), 2] : ['', 1];
}

function tableColour(index: number): string {
  if (index < 16) {
    return index < 8 ? NAMES[index] : `${NAMES[index - 8]}-intense`;
  }
  if (index > 231) {
    const grey = (index - 232) * 10 + 8;
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))}, ${level(Math.floor(cube / 6) % 6)}, ${level(cube % 6)})`;
}

function dress(look: ILook): Omit<ISegment, 'text'> {
  const fg = look.inverse ? look.bg || 'default-inverse' : look.fg;
  const bg = look.inverse ? look.fg || 'default-inverse' : look.bg;
  const classes = [
    named(fg) && `ansi-${fg}-fg`,
    named(bg) && `ansi-${bg}-bg`,
    look.bold && 'ansi-bold',
    look.underline && 'ansi-underline'
  ].filter(Boolean);
  return {
    className: classes.join(' '),
    ...(fg && !named(fg) ? { color: fg } : {}),
    ...(bg && !named(bg) ? { backgroundColor: bg } : {})
  };
}

function named(colour: string): boolean {
  return colour !== '' && !colour.startsWith('rgb');
}
