// Colours of terminal output (ECMA-48 SGR), as classes. The core has removed every other control sequence; what is left
// of one is dropped here too. 256 and true colours are brought to the nearest of the eight hues, because only those are
// known to be readable on both themes.

export type Hue = 'black' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'white';

export interface Style {
  hue: Hue | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
}

export interface Span extends Style {
  text: string;
}

const HUES: readonly Hue[] = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const PLAIN: Style = { hue: null, bold: false, dim: false, italic: false, underline: false };

// CSI sequences, OSC sequences up to their end, two-character escapes, and lone control characters except tab.
const SEQUENCE =
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  /\u001b\[([0-9;:]*)([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]|[\u0000-\u0008\u000a-\u001f\u007f]/g;

/** One line as spans. Each line starts plain: a colour that was left open colours no other line. */
export function parseLine(line: string): Span[] {
  if (!hasControl(line)) return line === '' ? [] : [{ ...PLAIN, text: line }];
  const spans: Span[] = [];
  let style = PLAIN;
  let from = 0;
  for (const match of line.matchAll(SEQUENCE)) {
    push(spans, style, line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === 'm') style = apply(style, match[1] ?? '');
  }
  push(spans, style, line.slice(from));
  return spans;
}

/** The text a person sees, for searching. */
export function plainText(line: string): string {
  return hasControl(line) ? line.replace(SEQUENCE, '') : line;
}

function hasControl(line: string): boolean {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127) return true;
  }
  return false;
}

function push(spans: Span[], style: Style, text: string): void {
  if (text !== '') spans.push({ ...style, text });
}

function apply(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)));
  let next = { ...style };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) next = { ...PLAIN };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 22) next.bold = next.dim = false;
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code >= 30 && code <= 37) next.hue = HUES[code - 30] ?? null;
    else if (code >= 90 && code <= 97) next.hue = HUES[code - 90] ?? null;
    else if (code === 39) next.hue = null;
    else if (code === 38 || code === 48) {
      // Extended colours carry their own parameters; those of a background (48) are read past and not used.
      const [hue, used] = extended(codes.slice(i + 1));
      if (code === 38) next.hue = hue;
      i += used;
    }
  }
  return next;
}

function extended(rest: number[]): [hue: Hue | null, used: number] {
  if (rest[0] === 5) return [indexed(rest[1] ?? 0), 2];
  if (rest[0] === 2) return [nearest(rest[1] ?? 0, rest[2] ?? 0, rest[3] ?? 0), 4];
  return [null, rest.length];
}

function indexed(index: number): Hue | null {
  if (index < 16) return HUES[index % 8] ?? null;
  if (index >= 232) return index < 244 ? 'black' : 'white';
  const cube = index - 16;
  const level = (n: number): number => (n === 0 ? 0 : 55 + n * 40);
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

/** A channel counts if it is at least half of the strongest; grey is black or white by lightness. */
function nearest(red: number, green: number, blue: number): Hue {
  const strongest = Math.max(red, green, blue);
  if (strongest - Math.min(red, green, blue) < 32) return strongest < 128 ? 'black' : 'white';
  const on = (channel: number): number => (channel * 2 >= strongest ? 1 : 0);
  return HUES[on(red) + 2 * on(green) + 4 * on(blue)] ?? 'white';
}
