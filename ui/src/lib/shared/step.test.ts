import { expect, test } from 'vitest';
import type { StepView } from '$lib/contract';
import { actFor, stateTone, stateWord } from './step';

const base = { id: 'x', title: 'X', stage: 'day-1', first_value: false };

test.each<[string, Partial<StepView> & { state: string }, string | null]>([
  [
    'a failed task is tried again',
    { class: 'task', uses: 'command', state: 'failed', cause: '', last_lines: [] },
    'retry',
  ],
  [
    'a step that the machine as it is does not allow is tried again',
    { class: 'task', uses: 'service', state: 'blocked', by: [], reason: 'The port is taken.' },
    'retry',
  ],
  [
    'a step that waits for a failed one is not',
    { class: 'task', uses: 'service', state: 'blocked', by: ['build'], reason: '' },
    null,
  ],
  [
    'a step of which nobody knows whether it took effect is',
    { class: 'task', uses: 'command', state: 'unknown', reason: '' },
    'retry',
  ],
  [
    'a refused credential is entered again',
    { class: 'credential', uses: 'credential', state: 'failed', cause: '', last_lines: [] },
    'enter_credential',
  ],
  [
    'a credential is entered',
    { class: 'credential', uses: 'credential', state: 'ready' },
    'enter_credential',
  ],
  [
    'a document is read',
    { class: 'action', uses: 'read', state: 'waiting', waiting_for: 'you', since: '' },
    'read',
  ],
  ['a link is opened', { class: 'action', uses: 'link', state: 'ready' }, 'open'],
  ['what is not its turn yet has no control', { class: 'action', uses: 'confirm', state: 'pending' }, null],
  [
    'a task that waits for the person is looked at again',
    { class: 'task', uses: 'posture', state: 'waiting', waiting_for: 'you', since: '' },
    'confirm',
  ],
  [
    'a task that waits for somebody else is not theirs',
    { class: 'task', uses: 'posture', state: 'waiting', waiting_for: 'it', since: '' },
    null,
  ],
  ['a task that is ready is the run’s business', { class: 'task', uses: 'command', state: 'ready' }, null],
])('%s', (_name, step, act) => {
  expect(actFor({ ...base, ...step } as StepView)).toBe(act);
});

test('what no longer holds is not called done', () => {
  const step = { state: 'changed', since: '2026-11-23T09:00:00Z', drifted: 'would set it' } as const;
  expect([stateWord(step), stateTone(step)]).toEqual(['Changed since', 'warn']);
});
