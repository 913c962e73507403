import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hits } from '$fixtures/docs';
import { FakePlatform, refuse } from '$fixtures/platform';
import { Session } from '$lib/features/app/session.svelte';
import { Search } from './docs.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function search(answer = (): { hits: typeof hits } => ({ hits })): [Search, FakePlatform] {
  const platform = new FakePlatform({ search_docs: answer });
  return [new Search(new Session(platform)), platform];
}

test('is asked once typing rests, not at each key', async () => {
  const [found, platform] = search();
  for (const typed of ['v', 'vp', 'vpn']) {
    found.type(typed);
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(platform.argsOf('search_docs')).toEqual([]);
  expect(found.asked).toBeNull();
  await vi.advanceTimersByTimeAsync(200);
  expect(platform.argsOf('search_docs')).toEqual([{ words: 'vpn' }]);
  expect(found.asked).toBe('vpn');
  expect(found.found.state).toEqual({ kind: 'ready', value: hits });
});

test('nothing is asked of a field without a word, and the list comes back at once', async () => {
  const [found, platform] = search();
  found.type('vpn');
  await vi.advanceTimersByTimeAsync(200);
  found.type(' -- ');
  expect(found.asked).toBeNull();
  await vi.advanceTimersByTimeAsync(200);
  expect(platform.argsOf('search_docs')).toHaveLength(1);
  found.type('zoë');
  found.clear();
  await vi.advanceTimersByTimeAsync(200);
  expect(platform.argsOf('search_docs')).toHaveLength(1);
  expect(found.typed).toBe('');
});

test('Enter does not wait for typing to rest', async () => {
  const [found, platform] = search();
  found.type('vpn');
  await found.look();
  expect(platform.argsOf('search_docs')).toEqual([{ words: 'vpn' }]);
  await vi.advanceTimersByTimeAsync(200);
  expect(platform.argsOf('search_docs')).toHaveLength(1);
});

test('a search that fails says why', async () => {
  const [found] = search(refuse({ code: 'internal', message: 'The documents cannot be searched.' }));
  found.type('vpn');
  await found.look();
  expect(found.found.state).toMatchObject({ kind: 'failed', error: { code: 'internal' } });
});
