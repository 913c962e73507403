import { expect, test } from 'vitest';
import { always, FakeSource, filters, says, summary } from '$fixtures/insights';
import { Board } from './board.svelte';
import { compared, sorted } from './releases';
import { read } from './view';

const offline = says({ code: 'network', message: 'The hub does not answer.' });
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

function questions(source: FakeSource): string[] {
  return source.asked.map((question) => JSON.stringify(question));
}

test('what a view needs is asked, and of another view only what is different', async () => {
  const source = new FakeSource();
  const board = new Board(source);
  board.show(read(''));
  await settled();
  // Which releases there are to compare, the hub says first.
  const two = compared(sorted(filters.releases), read(''));
  if (two) board.compare(two, undefined);
  await settled();
  expect(source.asked).toContainEqual({
    question: 'retrospective',
    pack: 'acme',
    release: '3.0.0',
    before: '2.0.0',
  });
  expect(source.asked.map(({ question }) => question).sort()).toEqual(Object.keys(source.answers).sort());
  source.asked.length = 0;
  board.show(read('?by=release'));
  await settled();
  expect(source.asked).toEqual([{ question: 'ttfv', filter: {}, by: 'release' }]);
  source.asked.length = 0;
  board.show(read('?by=release&persona=data'));
  await settled();
  expect(new Set(source.asked.map(({ question }) => question))).toEqual(
    new Set(['summary', 'ttfv', 'steps', 'funnel', 'activity', 'services', 'sla']),
  );
  board.show(read('?by=all'));
  await settled();
  expect(questions(source)).toContain('{"question":"ttfv","filter":{}}');
});

test('while the hub cannot be reached, the last answer to the same question stands, and says so', async () => {
  const source = new FakeSource();
  const board = new Board(source);
  board.show(read(''));
  await settled();
  source.answers = { ...source.answers, ...always(offline) };
  await board.again();
  const { state } = board.summary.told;
  expect(state).toMatchObject({ kind: 'ready', value: { answer: summary(), problem: { code: 'network' } } });
  // Of another question there is none.
  board.show(read('?persona=data'));
  await settled();
  expect(board.summary.told.state).toMatchObject({ kind: 'failed', error: { code: 'network' } });
  board.show(read(''));
  await settled();
  expect(board.summary.told.state.kind).toBe('ready');
});

test('what the hub refuses is no reason to show something old', async () => {
  const source = new FakeSource();
  const board = new Board(source);
  board.show(read(''));
  await settled();
  source.answers = {
    ...source.answers,
    ...always(says({ code: 'hub_forbidden', message: 'This needs the role viewer.' })),
  };
  await board.again();
  expect(board.summary.told.state).toMatchObject({ kind: 'failed', error: { code: 'hub_forbidden' } });
  expect(board.closed?.code).toBe('hub_forbidden');
});

test('one question that fails leaves the others, and is asked again', async () => {
  const source = new FakeSource({ steps: offline });
  const board = new Board(source);
  board.show(read(''));
  await settled();
  expect(board.steps.told.state.kind).toBe('failed');
  expect(board.funnel.told.state.kind).toBe('ready');
  expect(board.closed).toBeNull();
  source.asked.length = 0;
  board.show(read(''));
  await settled();
  expect(source.asked.map(({ question }) => question)).toEqual(['steps']);
});

test('a table is saved of what is shown', async () => {
  const source = new FakeSource();
  const board = new Board(source);
  board.show(read('?persona=data'));
  await board.steps.save();
  expect(source.saved).toEqual([{ question: 'steps', filter: { persona: 'data' } }]);
});
