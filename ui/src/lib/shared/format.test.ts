import { setLocale } from '$locale';
import { expect, test } from 'vitest';
import { about, duration, moment, secondsSince, sentence, size } from './format';

test.each([
  [0, '0 s'],
  [42, '42 s'],
  [60, '1 min'],
  [72, '1 min 12 s'],
  [3599, '59 min 59 s'],
  [3600, '1 h'],
  [3629, '1 h'],
  [7199, '2 h'],
  [11520, '3 h 12 min'],
  [86_399, '1 d'],
  [187_200, '2 d 4 h'],
  [-5, '0 s'],
])('%i seconds are said as %s', (seconds, said) => {
  expect(duration(seconds)).toBe(said);
});

test('an estimate does not pretend to know seconds', () => {
  expect(about(2385)).toBe('about 40 min');
  expect(about(45)).toBe('about 45 s');
});

test('a moment is in the zone of the person, and as short as the day allows', () => {
  const now = Date.parse('2026-11-23T10:42:00Z');
  // Tests run in Europe/Berlin.
  void setLocale('de', { reload: false });
  expect(moment('2026-11-23T09:05:00Z', now)).toBe('10:05');
  expect(moment('2026-11-20T09:05:00Z', now)).toMatch(/20\. Nov.*10:05/);
  expect(moment('2025-11-20T09:05:00Z', now)).toMatch(/2025/);
});

test('what is no time is shown as it is', () => {
  expect(moment('soon')).toBe('soon');
});

test('a clock that is behind gives no negative time', () => {
  expect(secondsSince('2026-11-23T10:00:00Z', Date.parse('2026-11-23T09:00:00Z'))).toBe(0);
});

test.each([
  ['no network; look', 'No network; look.'],
  ['`npm` ended with code 2.', '`npm` ended with code 2.'],
  ['Is it there?', 'Is it there?'],
  ['élan', 'Élan.'],
  ['', ''],
])('“%s” as a sentence is “%s”', (words, said) => {
  expect(sentence(words)).toBe(said);
});

test('sizes are in powers of a thousand, never less than they are', () => {
  expect(size(900)).toBe('1 kB');
  expect(size(12_300)).toBe('13 kB');
  expect(size(1_400_000)).toBe('1.4 MB');
  expect(size(84_300_000)).toBe('85 MB');
  expect(size(2_000_000_000)).toBe('2 GB');
});
