import { beforeEach, expect, test, vi } from 'vitest';
import { badge, desktop, settled, vpn } from '$fixtures/queue';
import { promised } from './promise';

beforeEach(() => {
  vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['en-GB']);
});

const NOW = Date.parse('2026-11-23T09:00:00Z');

test.each([
  [vpn, '40 min past due, since 09:20', true],
  [badge, '1 d 6 h left, until 24 Nov, 16:10', false],
  [desktop, '“soon” was promised, which cannot be reckoned with.', false],
  [{ ...badge, due_at: '2026-11-23T09:00:00Z' }, '0 s left, until 10:00', false],
])('how what was promised stands: %#', (request, words, late) => {
  expect(promised(request, NOW)).toEqual({ words, late });
});

test('what is settled was kept or not, whatever the time is', () => {
  const [kept, broken, granted, withdrawn] = settled;
  const words = [kept, broken, granted, withdrawn].map((request) => request && promised(request, NOW));
  expect(words).toEqual([
    { words: 'The promise was kept.', late: false },
    { words: 'The promise was not kept.', late: true },
    { words: 'The promise was kept.', late: false },
    { words: null, late: false },
  ]);
  const { sla: _, due_at: __, ...nothing } = badge;
  expect(promised(nothing, NOW)).toEqual({ words: 'No time was promised.', late: false });
});
