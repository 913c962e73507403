import { afterEach, expect, test, vi } from 'vitest';
import { address, door, hub } from './hub';

afterEach(() => vi.unstubAllGlobals());

function answering(status: number, body: unknown): void {
  const answer = new Response(status === 204 ? null : JSON.stringify(body), { status });
  vi.stubGlobal(
    'fetch',
    vi.fn(() => Promise.resolve(answer)),
  );
}

test('a question is an address of this hub, whatever is in it', () => {
  expect(address({ question: 'completeness' })).toBe('/v1/insights/completeness');
  expect(address({ question: 'scores' })).toBe('/v1/insights/surveys');
  expect(address({ question: 'surveys', quarter: '2026-Q4' })).toBe('/v1/surveys/results?quarter=2026-Q4');
  expect(address({ question: 'ttfv', filter: {}, value: 'merged', time: 'business' })).toBe(
    '/v1/insights/ttfv?value=merged&time=business',
  );
  expect(address({ question: 'sla', filter: { team: 'orders' } })).toBe('/v1/insights/sla?team=orders');
  expect(address({ question: 'ttfv', filter: { release: 'acme@3.2.0' }, by: 'persona' }, 'csv')).toBe(
    '/v1/insights/ttfv?release=acme%403.2.0&by=persona&format=csv',
  );
  expect(address({ question: 'steps', filter: { persona: '../../v1/devices?x&y' } })).toBe(
    '/v1/insights/steps?persona=..%2F..%2Fv1%2Fdevices%3Fx%26y',
  );
});

test('what it answers is given back', async () => {
  answering(200, { personas: ['a'], releases: [], periods: [], teams: [] });
  expect(await hub.ask<'filters'>({ question: 'filters' })).toEqual({
    personas: ['a'],
    releases: [],
    periods: [],
    teams: [],
  });
});

test.each([
  [400, 'hub_refused'],
  [401, 'hub_no_access'],
  [403, 'hub_forbidden'],
  [429, 'network'],
  [503, 'network'],
])('status %d is %s, in the hub’s words', async (status, code) => {
  answering(status, { error: { code: 'x', message: 'this is not for you', hint: 'Ask.' } });
  await expect(hub.ask({ question: 'filters' })).rejects.toEqual({
    code,
    message: 'This is not for you.',
    hint: 'Ask.',
  });
});

test('no answer, and an answer of somebody else, are told apart', async () => {
  vi.stubGlobal(
    'fetch',
    vi.fn(() => Promise.reject(new TypeError('failed'))),
  );
  await expect(hub.ask({ question: 'filters' })).rejects.toMatchObject({ code: 'network' });
  vi.stubGlobal(
    'fetch',
    vi.fn(() => Promise.resolve(new Response('<html>', { status: 200 }))),
  );
  await expect(hub.ask({ question: 'filters' })).rejects.toMatchObject({ code: 'hub_refused' });
});

test('a token is sent in the body, never in an address', async () => {
  answering(201, { person: 1, roles: ['viewer'], expires_at: null });
  await door.enter('flr_secret');
  const [path, init] = vi.mocked(fetch).mock.calls[0] as [string, RequestInit];
  expect(path).toBe('/v1/session');
  expect(init.body).toBe('{"token":"flr_secret"}');
  answering(204, null);
  await expect(door.leave()).resolves.toBeUndefined();
  expect(door.provider('/insights?persona=a')).toBe('/v1/signin?return_to=%2Finsights%3Fpersona%3Da');
});
