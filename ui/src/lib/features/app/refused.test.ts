import { expect, test } from 'vitest';
import { frozen } from '$fixtures/launch';
import { refusedTitle } from './refused';

test('a5 what has expired is told apart from what is wrong', () => {
  const expired = [refusedTitle('release_frozen'), refusedTitle('release_expired')];
  const wrong = [refusedTitle('release_forged'), refusedTitle('release_replayed')];
  expect(new Set(expired).size).toBe(1);
  expect(new Set(wrong).size).toBe(1);
  expect(expired[0]).not.toBe(wrong[0]);
  expect(expired[0]).toBe(refusedTitle(frozen.refused?.code ?? 'internal'));
});
