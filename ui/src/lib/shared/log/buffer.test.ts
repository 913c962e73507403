import { beforeEach, expect, test, vi } from 'vitest';
import type { LogPage } from '$lib/contract';
import { KEPT, LogBuffer, type FetchLog } from './buffer.svelte';
import { LogSearch } from './search';

let frames: FrameRequestCallback[];
const frame = (): void => frames.splice(0).forEach((callback) => callback(0));
const none: FetchLog = async () => ({ first: 0, lines: [], total: 0, dropped: 0 });
const numbered = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `line ${from + at}`);
const all = (log: LogBuffer): (string | undefined)[] =>
  Array.from({ length: log.end - log.start }, (_, at) => log.line(log.start + at));

beforeEach(() => {
  frames = [];
  vi.spyOn(globalThis, 'requestAnimationFrame').mockImplementation((callback) => frames.push(callback));
});

test('a thousand notices between two frames are one update', () => {
  const log = new LogBuffer(none);
  for (let at = 0; at < 1000; at++) log.append(at, [`line ${at}`]);
  expect(frames).toHaveLength(1);
  expect(log.version).toBe(0);
  frame();
  expect(log.version).toBe(1);
  expect(log.end).toBe(1000);
  expect(log.line(999)).toBe('line 999');
});

test('lines heard twice are there once', () => {
  const log = new LogBuffer(none);
  log.append(0, ['a', 'b']);
  log.append(1, ['b', 'c']);
  expect(all(log)).toEqual(['a', 'b', 'c']);
});

test('a log that starts again is another attempt', () => {
  const log = new LogBuffer(none);
  log.append(0, ['old', 'older']);
  log.append(0, ['new']);
  expect(all(log)).toEqual(['new']);
});

test('what was written before is fetched page by page, and joins what is heard meanwhile', async () => {
  const file = numbered(0, 4500);
  const fetch = vi.fn(async (first: number, count: number): Promise<LogPage> => ({
    first,
    lines: file.slice(first, first + count),
    total: file.length,
    dropped: 7,
  }));
  const log = new LogBuffer(fetch);
  log.append(4500, ['line 4500']);
  await log.load();
  expect(all(log)).toEqual(numbered(0, 4501));
  expect(fetch.mock.calls.map(([first]) => first)).toEqual([0, 2000, 4000]);
  expect(log.dropped).toBe(7);
  expect(log.loading).toBe(false);
});

test('a page of a former attempt is not mixed into the new one', async () => {
  let answer: (page: LogPage) => void = () => undefined;
  const log = new LogBuffer(() => new Promise((resolve) => (answer = resolve)));
  const loading = log.load();
  log.restart();
  answer({ first: 0, lines: ['old'], total: 1, dropped: 0 });
  await loading;
  expect(all(log)).toEqual([]);
});

test('a log that cannot be read says why', async () => {
  const log = new LogBuffer(async () => {
    throw { code: 'internal', message: 'no such file' };
  });
  await log.load();
  expect(log.error?.message).toBe('no such file');
  expect(log.loading).toBe(false);
});

test('memory is bounded: the oldest lines go first, the numbers stay', () => {
  const log = new LogBuffer(none);
  const size = 10_000;
  for (let first = 0; first < 3 * KEPT; first += size) log.append(first, numbered(first, size));
  expect(log.end).toBe(3 * KEPT);
  expect(log.end - log.start).toBeLessThanOrEqual(1.1 * KEPT);
  expect(log.line(log.end - 1)).toBe(`line ${3 * KEPT - 1}`);
  expect(log.line(log.start)).toBe(`line ${log.start}`);
  expect(log.line(0)).toBeUndefined();
});

test('a search follows the log without regard to case or colour', () => {
  const log = new LogBuffer(none);
  const search = new LogSearch('error in');
  log.append(0, ['fine', '\u001b[31mError\u001b[0m in a']);
  search.advance(log);
  log.append(2, ['another ERROR in b', 'error']);
  search.advance(log);
  search.advance(log);
  expect(search.matches).toEqual([1, 2]);
});
