import { expect, test } from 'vitest';
import { activity } from '$fixtures/insights';
import { plot } from './activity';

const { days } = activity();

test('a day about which nothing is told is a gap, not a zero', () => {
  const { lines } = plot(days, { width: 700, height: 100 });
  const pieces = (count: string): number =>
    (lines.find((line) => line.count === count)?.path.match(/M/g) ?? []).length;
  expect(pieces('monthly')).toBe(1);
  expect(pieces('daily')).toBeGreaterThan(3);
  expect(lines.every(({ path }) => !path.includes('NaN'))).toBe(true);
});

test('people are whole, and the last day is named', () => {
  const { people, days: named } = plot(days, { width: 700, height: 100 });
  expect(people.every(({ value }) => Number.isInteger(value))).toBe(true);
  expect(people.at(-1)?.value).toBeGreaterThanOrEqual(131);
  expect(named.at(-1)?.day).toBe('2026-11-26');
  expect(plot([], { width: 700, height: 100 }).days).toEqual([]);
});
