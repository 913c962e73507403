import { expect, test } from 'vitest';
import { isNarrowed, isTaken, narrowed, read, write } from './view';

test.each([
  '',
  '?persona=backend',
  '?persona=backend&release=acme%403.2.0&by=release',
  '?period=2026-Q4&by=all&quarter=2026-Q3',
  '?by=team&value=merged&time=business',
  '?persona=a%26b+c%3D%E4%BD%A0',
])('%s is read and written alike', (search) => {
  expect(write(read(search))).toBe(search);
});

test('what is not ours, or says nothing, is left out', () => {
  expect(write(read('?persona=&utm_source=mail&by=colour&time=elapsed&value=x&quarter='))).toBe('');
});

test('two filters at a time: the third cannot be set until one of them is taken back', () => {
  const everybody = read('');
  expect(isNarrowed(everybody)).toBe(false);
  const two = narrowed(narrowed(everybody, 'persona', 'backend'), 'period', '2026');
  expect(['persona', 'release', 'period'].map((name) => isTaken(two, name as 'persona'))).toEqual([
    false,
    true,
    false,
  ]);
  expect(isTaken(two, 'team')).toBe(true);
  const one = narrowed(two, 'persona', '');
  expect(one.filter).toEqual({ period: '2026' });
  expect(isTaken(one, 'release')).toBe(false);
});

test('a team is asked for by itself', () => {
  const team = narrowed(read(''), 'team', 'payments');
  expect(write(team)).toBe('?team=payments');
  expect(isTaken(team, 'persona')).toBe(true);
  expect(isTaken(team, 'team')).toBe(false);
  expect(isTaken(narrowed(read(''), 'persona', 'backend'), 'team')).toBe(true);
});
