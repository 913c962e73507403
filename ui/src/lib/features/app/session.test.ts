import { beforeEach, expect, test, vi } from 'vitest';
import { answers } from '$fixtures/answers';
import { left, reached, working } from '$fixtures/journeys';
import { frozen, launch, received } from '$fixtures/launch';
import { newerPack, pack } from '$fixtures/pack';
import { FakePlatform, refuse } from '$fixtures/platform';
import { Session } from './session.svelte';

let platform: FakePlatform;
let session: Session;

beforeEach(async () => {
  platform = new FakePlatform(answers(working));
  session = new Session(platform);
  await session.start();
});

test('it loads once and is ready', () => {
  expect(session.status).toEqual({ kind: 'ready', launch: { ...launch, journey: working } });
  expect(session.journey).toBe(working);
  expect(session.pack).toBe(pack);
});

test('a core that does not answer is a failed start, and can be tried again', async () => {
  platform.answers.launch = refuse({ code: 'home_not_writable', message: 'read-only' });
  await session.start();
  expect(session.status).toEqual({
    kind: 'failed',
    error: { code: 'home_not_writable', message: 'read-only' },
  });
  platform.answers = answers(working);
  await session.start();
  expect(session.status.kind).toBe('ready');
});

test('a journey heard while launch was under way is not overwritten by its older answer', async () => {
  const newer = { ...reached, revision: 2 };
  const early = new FakePlatform({
    ...answers(working),
    launch: () => {
      early.notify({ kind: 'journey', journey: newer });
      return { ...launch, journey: { ...working, revision: 1 } };
    },
  });
  const other = new Session(early);
  await other.start();
  expect(other.journey).toBe(newer);
});

test('a run that was over before the answer to its start arrived is over', async () => {
  const over = { ...reached, revision: 8 };
  platform.answers.start_run = () => {
    platform.notify({ kind: 'journey', journey: over });
    return { ...working, revision: 7 };
  };
  await session.startRun({ persona: 'developer', inputs: {} }, 'consent');
  expect(session.journey).toBe(over);
});

test('a step that fails takes its cause and loses what belonged to its former state', () => {
  platform.notify({
    kind: 'run',
    event: {
      type: 'step',
      step: 'deps',
      title: 'Install its packages',
      state: 'failed',
      cause: 'code 1',
      last_lines: ['x'],
    },
  });
  expect(session.step('deps')).toEqual({
    id: 'deps',
    title: 'Install its packages',
    stage: 'day-1',
    class: 'task',
    uses: 'command',
    estimate_seconds: 120,
    first_value: false,
    best_effort: false,
    state: 'failed',
    cause: 'code 1',
    last_lines: ['x'],
  });
  expect(session.announcement).toBe('Install its packages: Failed.');
  // The others are as they were.
  expect(session.step('clone')).toBe(working.steps.find((step) => step.id === 'clone'));
});

test('what is new stays marked until it is done', () => {
  const enter = (state: 'running' | 'satisfied'): void =>
    platform.notify({
      kind: 'run',
      event: { type: 'step', step: 'deps', title: 'Deps', state, since: '2026-11-23T08:00:00Z' },
    });
  platform.notify({
    kind: 'journey',
    journey: {
      ...working,
      revision: working.revision + 1,
      steps: working.steps.map((step) => (step.id === 'deps' ? { ...step, news: 'new' as const } : step)),
    },
  });
  enter('running');
  expect(session.step('deps')?.news).toBe('new');
  enter('satisfied');
  expect(session.step('deps')?.news).toBeUndefined();
});

test('log lines go to the log of their step', () => {
  platform.notify({ kind: 'run', event: { type: 'log', step: 'deps', first: 0, lines: ['a', 'b'] } });
  platform.notify({ kind: 'run', event: { type: 'log', step: 'build', first: 0, lines: ['c'] } });
  expect([session.log('deps').end, session.log('build').end]).toEqual([2, 1]);
  expect(session.log('deps').line(1)).toBe('b');
});

test('the log of a failed attempt stays until the step runs again, even if it then prints nothing', async () => {
  const step = { type: 'step', step: 'deps', title: 'Install its packages' } as const;
  platform.notify({ kind: 'run', event: { type: 'log', step: 'deps', first: 0, lines: ['refused'] } });
  await session.retry('deps');
  platform.notify({
    kind: 'run',
    event: { ...step, state: 'satisfied', since: '2026-11-23T09:00:00Z' },
  });
  expect(session.log('deps').line(0)).toBe('refused');
  platform.notify({ kind: 'run', event: { ...step, state: 'running', since: '2026-11-23T09:01:00Z' } });
  expect(session.log('deps').end).toBe(0);
});

test('a run that ends is not running, whatever the last journey said', () => {
  platform.notify({
    kind: 'run',
    event: {
      type: 'finished',
      ok: false,
      failed: ['build'],
      best_effort: [],
      waiting: [],
      follow_ups: [],
      first_value_reached: false,
      cancelled: false,
    },
  });
  expect(session.journey?.running).toBe(false);
  expect(session.announcement).toBe('Finished. 1 step failed.');
});

test('a step that takes long is said to go on', () => {
  platform.notify({ kind: 'run', event: { type: 'still_running', step: 'deps', seconds: 180 } });
  expect(session.announcement).toBe('Install its packages: still running after 3 min.');
});

test('while the system asks for administrator rights, it is said', () => {
  platform.notify({ kind: 'run', event: { type: 'administrator_rights', asking: true } });
  expect(session.asksForRights).toBe(true);
  expect(session.announcement).toContain('administrator rights');
  platform.notify({ kind: 'run', event: { type: 'administrator_rights', asking: false } });
  expect(session.asksForRights).toBe(false);
});

test('what was done is taken off what is left', async () => {
  platform.answers.follow_up_done = () => ({ ...left, follow_ups: [], revision: 3 });
  await session.followUpDone('name');
  expect(platform.argsOf('follow_up_done')).toEqual([{ step: 'name' }]);
  expect(session.journey?.follow_ups).toEqual([]);
});

test('first value is told once to whoever listens', () => {
  const told = vi.fn();
  session.onFirstValue = told;
  platform.notify({ kind: 'run', event: { type: 'first_value', step: 'serve', seconds: 11520 } });
  expect(told).toHaveBeenCalledOnce();
});

test('a pack that a link brings waits while a journey is under way, and is next when it is left', async () => {
  const other = { ...pack, name: 'other' };
  platform.notify({ kind: 'pack', pack: other });
  expect(session.pack).toBe(pack);
  expect(session.offered).toBe(other);
  await session.leave();
  expect(session.journey).toBeNull();
  expect(session.pack).toBe(other);
  expect(session.offered).toBeNull();
});

test('a stored credential is followed by the question where the person stands', async () => {
  await session.storeCredential('registry-token', 'secret');
  expect(platform.argsOf('store_credential')).toEqual([{ name: 'registry-token', value: 'secret' }]);
  expect(platform.argsOf('journey')).toHaveLength(1);
  // Nothing of the value stays in the store.
  expect(JSON.stringify(session)).not.toContain('secret');
});

test('after everything was deleted it starts anew', async () => {
  platform.answers.launch = () => launch;
  await session.deleteEverything();
  expect(platform.argsOf('delete_data')).toEqual([{}]);
  expect(session.journey).toBeNull();
});

test('a release that was received is offered until it is looked at', async () => {
  expect(session.received).toBeNull();
  platform.notify({ kind: 'releases', update: received });
  expect(session.received).toBe('3.3.0');
  await session.useRelease();
  expect([session.pack, session.received]).toEqual([newerPack, null]);
});

test('a5 what is refused is a banner until it is fine again, and takes nothing away', () => {
  platform.notify({ kind: 'releases', update: frozen });
  expect(session.releases?.refused?.code).toBe('release_frozen');
  expect([session.received, session.pack]).toEqual([null, pack]);
  const { refused: _, ...fine } = frozen;
  platform.notify({ kind: 'releases', update: fine });
  expect(session.releases?.refused).toBeUndefined();
});
