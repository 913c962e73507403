import { expect, test } from 'vitest';
import { Action, Loader } from './async.svelte';

function later<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}

test('an answer that was overtaken is dropped', async () => {
  const first = later<string>();
  const second = later<string>();
  const answers = [first.promise, second.promise];
  const loader = new Loader(() => answers.shift() ?? Promise.reject(new Error('asked too often')));
  const slow = loader.load();
  const fast = loader.load();
  second.resolve('new');
  await fast;
  first.resolve('old');
  await slow;
  expect(loader.state).toEqual({ kind: 'ready', value: 'new' });
});

test('loading again keeps what is shown until the new value is there', async () => {
  const answers = [Promise.resolve(1), later<number>().promise];
  const loader = new Loader(() => answers.shift() ?? Promise.reject(new Error('asked too often')));
  await loader.load();
  void loader.load();
  expect(loader.state).toEqual({ kind: 'ready', value: 1 });
  expect(loader.refreshing).toBe(true);
});

test('whatever is thrown becomes an error that can be shown', async () => {
  const loader = new Loader(async () => {
    throw new Error('broken');
  });
  await loader.load();
  expect(loader.state).toEqual({ kind: 'failed', error: { code: 'internal', message: 'broken' } });
});

test('an action runs once at a time and keeps its error until the next try', async () => {
  const gate = later<null>();
  const action = new Action();
  let runs = 0;
  const first = action.run(() => (runs++, gate.promise));
  expect(await action.run(async () => runs++)).toBe(false);
  gate.resolve(null);
  expect(await first).toBe(true);
  expect(runs).toBe(1);
  expect(await action.run(() => Promise.reject({ code: 'network', message: 'no route' }))).toBe(false);
  expect(action.error?.code).toBe('network');
  await action.run(async () => undefined);
  expect(action.error).toBeNull();
});
