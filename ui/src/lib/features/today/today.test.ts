import { expect, test } from 'vitest';
import { failed, left, reached, refused, requesting, working } from '$fixtures/journeys';
import { loggedStep, today } from './today';

test('it tells what runs, what waits for whom, and how far first value is', () => {
  const view = today(working);
  expect([view.done, view.total]).toEqual([5, 12]);
  expect(view.running.map((step) => step.id)).toEqual(['deps']);
  // The token waits for the person: that is the next thing, not somebody else's.
  expect(view.waiting.map((step) => step.id)).toEqual(['vpn']);
  // deps 120 + build 360 + serve 30.
  expect(view.left).toBe(510);
  expect(view.finished).toBe(false);
});

test('without an estimate for a step on the way nothing is promised', () => {
  const steps = working.steps.map((step) => {
    if (step.id !== 'build') return step;
    const { estimate_seconds: _, ...rest } = step;
    return rest;
  });
  expect(today({ ...working, steps }).left).toBeNull();
});

test('after first value there is nothing left to wait for', () => {
  expect(today(reached).left).toBeNull();
});

test('the log is that of what runs, else of what failed', () => {
  expect(loggedStep(today(working))).toBe('deps');
  expect(loggedStep(today(failed))).toBe('build');
  expect(loggedStep(today(reached))).toBeNull();
});

test('what is no longer as it was left is named', () => {
  expect(today(reached).drifted).toEqual([]);
  const steps = reached.steps.map((step) =>
    step.id === 'build' ? { ...step, drifted: 'would run `cargo build`' } : step,
  );
  expect(today({ ...reached, steps }).drifted.map(({ id }) => id)).toEqual(['build']);
});

test('what nothing waits for does not keep the list from being finished', () => {
  const view = today(left);
  expect(view.bestEffort.map(({ id }) => id)).toEqual(['oncall']);
  expect(view.finished).toBe(true);
  expect(today({ ...left, best_effort: [] }).finished).toBe(false);
});

test('whom the next thing waits for is not said twice', () => {
  expect(today(requesting).waiting).toEqual([]);
});

test('what others answered is told, the newest first, and what nobody answered is not', () => {
  expect(today(requesting).answered).toEqual([]);
  const [only] = today(refused).answered;
  expect([only?.step.id, only?.request.answer.by]).toEqual(['vpn', 'Grace']);
  const answer = only?.request.answer;
  if (!answer) throw new Error('the fixture has an answer');
  const steps = refused.steps.map((step, index) => ({
    ...step,
    request: {
      owner: 'it-helpdesk',
      asked_at: answer.at,
      answer: { ...answer, at: new Date(Date.parse(answer.at) + index * 1000).toISOString() },
    },
  }));
  const told = today({ ...refused, steps }).answered.map(({ step }) => step.id);
  expect(told).toEqual(
    steps
      .map(({ id }) => id)
      .toReversed()
      .slice(0, 5),
  );
});
