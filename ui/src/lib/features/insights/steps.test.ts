import { expect, test } from 'vitest';
import { steps } from '$fixtures/insights';
import { FIRST, longest, parts, sorted, turned } from './steps';

const { steps: rows } = steps();
const names = (order: Parameters<typeof sorted>[1]): string[] => sorted(rows, order).map(({ step }) => step);

test('it begins as the hub sends it: the most costly first', () => {
  expect(names(FIRST)).toEqual(rows.map(({ step }) => step));
});

test('what is not told stays last, whichever way round', () => {
  for (const descending of [true, false]) {
    expect(names({ column: 'failure', descending }).at(-1)).toBe('first-test');
  }
  expect(names({ column: 'failure', descending: false })[0]).toBe('vpn');
});

test('a column is turned round by pressing it again; figures begin with the largest, names with A', () => {
  expect(turned(FIRST, 'failure')).toEqual({ column: 'failure', descending: true });
  expect(turned(FIRST, 'person_days')).toEqual({ column: 'person_days', descending: false });
  expect(turned(FIRST, 'step')).toEqual({ column: 'step', descending: false });
  expect(names({ column: 'step', descending: false })).toEqual([
    'build',
    'clone',
    'first-test',
    'git',
    'vpn',
  ]);
});

test('the longest bar is full, and parts follow each other', () => {
  const all = rows.map((row) => parts(row, longest(rows)));
  const ends = all.map((bar) =>
    bar.reduce((end, part) => (expect(part.start).toBeCloseTo(end), end + part.share), 0),
  );
  expect(Math.max(...ends)).toBeCloseTo(1);
  // Of a step that is not shown there is no bar.
  expect(all.at(-1)).toEqual([]);
  expect(parts(rows[0] as (typeof rows)[number], 0).every(({ share }) => share === 0)).toBe(true);
});
