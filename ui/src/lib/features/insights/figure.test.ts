import { expect, test } from 'vitest';
import { known, notEnough, notReached, suppressed } from '$fixtures/insights';
import { interval, say, shown } from './figure';

test.each([
  [4.25, 'days', '4 d 6 h'],
  [0.5, 'days', '12 h'],
  [2.5, 'working_days', '2.5 d'],
  [1 / 24, 'working_days', '0.04 d'],
  [4.2, 'minutes', '4 min 12 s'],
  [41.4, 'minutes', '41 min'],
  [0.734, 'share', '73%'],
  [0.0754, 'share', '7.5%'],
  [0.997, 'share', '99.7%'],
  [1, 'share', '100%'],
  [1204, 'people', '1,204'],
  [171.3, 'person_days', '171 d'],
  [9.36, 'person_days', '9.4 d'],
  [5.34, 'times', '5.3'],
  [33.3, 'points', '+33'],
  [-5, 'points', '-5'],
] as const)('%d %s is %s', (value, unit, said) => {
  expect(say(value, unit)).toBe(said);
});

test('an interval says which ends can be told', () => {
  expect(interval([3, 6], 'days')).toBe('3 d to 6 d');
  expect(interval([3, null], 'days')).toBe('at least 3 d');
  expect(interval([null, 6], 'days')).toBe('at most 6 d');
  expect(interval([null, null], 'days')).toBeNull();
  // People are counted, not estimated.
  expect(interval([58, 58], 'people')).toBeNull();
});

test('a figure that is not told says why, and is never a number', () => {
  expect(shown(known(0, [0, 0], 12), 'people')).toMatchObject({ value: 0, text: '0', why: null });
  for (const kpi of [notReached, notEnough, suppressed]) {
    const told = shown(kpi, 'days');
    expect(told.value).toBeNull();
    expect(told.text).not.toMatch(/\d/);
    expect(told.why).not.toBeNull();
  }
  expect(shown(notReached, 'days').interval).toBe('at least 9 d');
  expect(new Set([notReached, notEnough, suppressed].map((kpi) => shown(kpi, 'days').text)).size).toBe(3);
});
