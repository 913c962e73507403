import { expect, test } from 'vitest';
import { plan } from '$fixtures/plan';
import { asked, downloads, groups, summarise } from './plan';

test('the sentence counts what is left to first value, and says what comes after', () => {
  expect(summarise(plan)).toEqual({
    value: 'orders-service answers on your machine',
    // name, vpn, token, clone, deps, build, serve; vpn and token are not automatic, git and the key are fine.
    steps: 7,
    automatic: 5,
    later: 3,
    reached: false,
  });
});

test('it is reached when nothing on the way is left', () => {
  const fine = { ...plan, steps: plan.steps.map((step) => ({ ...step, outcome: 'ok' as const })) };
  expect(summarise(fine).reached).toBe(true);
});

test('a cycle in a broken plan does not hang the window', () => {
  const steps = plan.steps.map((step) => (step.id === 'git' ? { ...step, needs: ['serve'] } : step));
  expect(summarise({ ...plan, steps }).steps).toBe(7);
});

test('what is asked is said in words, and nothing is asked in none', () => {
  expect(asked(plan.asks)).toEqual([
    '1 password prompt',
    '1 credential',
    '3 things to read or confirm',
    '1 access request',
  ]);
  expect(
    asked({ automatic: 4, elevations: 0, restarts: 0, credentials: 0, actions: 0, requests: 0 }),
  ).toEqual([]);
});

test('what is fetched is said as far as it is known', () => {
  expect(downloads(plan)).toEqual([
    'Downloads at least 85 MB.',
    '1 step fetches something and cannot say how much.',
  ]);
  const known = { ...plan.summary, unknown: 0 };
  expect(downloads({ ...plan, summary: known, downloads_unknown: 0 })).toEqual(['Downloads about 85 MB.']);
  expect(downloads({ ...plan, download_bytes: 0, downloads_unknown: 0 })).toEqual([]);
});

test('every step stands in exactly one group; blocked only when there are any', () => {
  expect(groups(plan).map(({ outcome, steps }) => [outcome, steps.length])).toEqual([
    ['will_change', 6],
    ['ok', 2],
    ['unknown', 3],
    ['blocked', 1],
  ]);
  const open = { ...plan, steps: plan.steps.filter((step) => step.outcome === 'ok') };
  expect(groups(open).map(({ outcome, steps }) => [outcome, steps.length])).toEqual([
    ['will_change', 0],
    ['ok', 2],
    ['unknown', 0],
  ]);
});
