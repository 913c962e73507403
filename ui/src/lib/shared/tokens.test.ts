// Holds every component to the tokens, the tokens to their contrast, and the markup to the content security policy.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SOURCE = join(process.cwd(), 'src');
const TOKENS = readFileSync(join(SOURCE, 'lib/shared/tokens.css'), 'utf8');

const components = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.svelte'))
  .map((path) => ({ path, text: readFileSync(join(SOURCE, path), 'utf8') }));

/** Text and the planes it stands on. */
const PAIRS: [text: string, planes: string[]][] = [
  ...['text', 'muted', 'act', 'dawn', 'ok', 'wait', 'warn', 'bad'].map((name): [string, string[]] => [
    name,
    ['ground', 'surface', 'raised'],
  ]),
  ...['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'].map(
    (hue): [string, string[]] => [`ansi-${hue}`, ['surface', 'found']],
  ),
  ['muted', ['found']],
  ['on-act', ['act', 'act-strong']],
  ['text', ['sky-high', 'sky-middle', 'sky-low']],
  ['dawn', ['sky-high', 'sky-middle']],
];

test.each(PAIRS)('--%s can be read on its planes in both themes', (text, planes) => {
  for (const theme of [0, 1] as const) {
    for (const plane of planes) {
      const ratio = contrast(colour(text, theme), colour(plane, theme));
      expect(ratio, `--${text} on --${plane}, ${theme === 0 ? 'light' : 'dark'}`).toBeGreaterThanOrEqual(4.5);
    }
  }
});

test('edges of controls can be seen (3:1)', () => {
  for (const theme of [0, 1] as const) {
    expect(contrast(colour('edge', theme), colour('surface', theme))).toBeGreaterThanOrEqual(3);
    expect(contrast(colour('act', theme), colour('surface', theme))).toBeGreaterThanOrEqual(3);
  }
});

test('components name tokens that exist', () => {
  const defined = new Set([...TOKENS.matchAll(/^\s*--([\w-]+):/gm)].map((match) => match[1]));
  const unknown = components.flatMap(({ path, text }) =>
    [...text.matchAll(/var\(--([\w-]+)/g)]
      .filter((match) => !defined.has(match[1] ?? ''))
      .map((match) => `${path}: ${match[0]}`),
  );
  expect(unknown).toEqual([]);
});

test('components hold no colours or sizes of their own, no raw HTML and no literal style', () => {
  expect(components.length).toBeGreaterThan(20);
  const faults = components.flatMap(({ path, text }) => {
    const style = /<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? '';
    // A media query cannot read a custom property; a clipped box is one pixel by definition.
    const rules = style.replaceAll(/@media[^{]*/g, '').replaceAll(/: 1px;/g, ': 0;');
    const found = [...rules.matchAll(/#[0-9a-f]{3,8}\b|\brgb\(|\bhsl\(|\b\d*\.?\d+px\b/gi)].map(
      ([raw]) => raw,
    );
    if (text.includes('{@html')) found.push('{@html');
    if (/\sstyle=/.test(text)) found.push('style=');
    if (/\bon\w+="/.test(text)) found.push('inline handler');
    return found.map((what) => `${path}: ${what}`);
  });
  expect(faults).toEqual([]);
});

function colour(name: string, theme: 0 | 1): string {
  const match = new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(TOKENS);
  const found = match?.[theme + 1];
  if (!found) throw new Error(`no colour --${name}`);
  return found;
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
