import { expect, test } from 'vitest';
import { report } from '$fixtures/report';
import { bars, sentence } from './report';

test('the sentence says how long and where it went, without what took no time', () => {
  expect(sentence(report)).toBe(
    '3 h 12 min to first value: 41 min hands-on, 17 min automatic, 2 h 9 min waiting, and 5 min mending failures.',
  );
});

test('before first value it says how long so far', () => {
  expect(sentence({ ...report, ttfv: null, elapsed_seconds: 600 })).toBe(
    '10 min so far, on the way to orders-service answers on your machine.',
  );
});

test('each bar begins where the one before it ended, and together they are the whole', () => {
  const drawn = bars(report);
  let end = 0;
  for (const bar of drawn) {
    expect(bar.start).toBeCloseTo(end, 10);
    end = bar.start + bar.share;
  }
  expect(end).toBeCloseTo(1, 10);
  expect(drawn.find((bar) => bar.kind === 'waiting')?.share).toBeCloseTo(7740 / 11520, 10);
});

test('no time at all is no bar, not a division by nothing', () => {
  expect(bars({ ...report, waterfall: [{ kind: 'automatic', seconds: 0 }] })).toEqual([]);
});
