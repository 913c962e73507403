import { expect, test } from 'vitest';
import { parseLine, plainText } from './ansi';

const ESC = '\u001b';
const seen = (line: string): [string, string | null, boolean][] =>
  parseLine(line).map((span) => [span.text, span.hue, span.bold]);

test('a plain line is one plain span', () => {
  expect(seen('hello\tworld')).toEqual([['hello\tworld', null, false]]);
  expect(parseLine('')).toEqual([]);
});

test('colours begin and end where they say', () => {
  expect(seen(`a${ESC}[31mb${ESC}[1mc${ESC}[39md${ESC}[me`)).toEqual([
    ['a', null, false],
    ['b', 'red', false],
    ['c', 'red', true],
    ['d', null, true],
    ['e', null, false],
  ]);
});

test('bright colours are the same hues', () => {
  expect(seen(`${ESC}[92mok`)).toEqual([['ok', 'green', false]]);
});

test.each([
  ['38;5;196', 'red'],
  ['38;5;46', 'green'],
  ['38;5;21', 'blue'],
  ['38;5;12', 'blue'],
  ['38;5;250', 'white'],
  ['38;2;255;200;0', 'yellow'],
  ['38;2;0;180;190', 'cyan'],
  ['38;2;40;40;40', 'black'],
])('%s is nearest to %s', (code, hue) => {
  expect(seen(`${ESC}[${code}mx`)).toEqual([['x', hue, false]]);
});

test('a background is read past: its numbers are not taken for styles', () => {
  // 48;5;1 holds a 1, which by itself would be bold.
  expect(seen(`${ESC}[48;5;1mx`)).toEqual([['x', null, false]]);
  expect(seen(`${ESC}[48;2;1;31;32;36mx`)).toEqual([['x', 'cyan', false]]);
});

test('every other control sequence is dropped, what it carries included', () => {
  const line = `a${ESC}[2Kb${ESC}]0;title\u0007c${ESC}]8;;https://evil.test${ESC}\\d${ESC}(Be\u0008f\rg`;
  expect(plainText(line)).toBe('abcdefg');
  expect(
    parseLine(line)
      .map((span) => span.text)
      .join(''),
  ).toBe('abcdefg');
});

test('a sequence that never ends does not swallow the window', () => {
  expect(plainText(`a${ESC}[38;5b`)).toBe('a');
  expect(plainText(`a${ESC}[`)).toBe('a');
});

test('markup is text', () => {
  expect(plainText('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>');
});
