import { expect, test } from 'vitest';
import { answers } from '$fixtures/answers';
import { working } from '$fixtures/journeys';
import { plan } from '$fixtures/plan';
import { FakePlatform, refuse } from '$fixtures/platform';
import { Session } from '$lib/features/app/session.svelte';
import { Road } from './road.svelte';

const choice = { persona: 'developer', inputs: { email: 'ada@harbour.test' } };

test('what is agreed to is the hash of the plan that was shown', async () => {
  const platform = new FakePlatform(answers(working));
  const road = new Road(new Session(platform), choice);
  await road.plan.load();
  expect(await road.start()).toBe(true);
  expect(platform.argsOf('start_run')).toEqual([{ choice, consent: plan.consent }]);
});

test('nothing can be agreed to before it was shown', async () => {
  const platform = new FakePlatform(answers(working));
  expect(await new Road(new Session(platform), choice).start()).toBe(false);
  expect(platform.asked).toEqual([]);
});

test('a plan that changed meanwhile is shown anew, said so, and not started', async () => {
  const platform = new FakePlatform(answers(working));
  const road = new Road(new Session(platform), choice);
  await road.plan.load();
  platform.answers.start_run = refuse({ code: 'consent_stale', message: 'another plan' });
  platform.answers.make_plan = () => ({ ...plan, consent: 'new' });
  expect(await road.start()).toBe(false);
  expect(road.stale).toBe(true);
  expect(road.starting.error).toBeNull();
  expect(road.plan.state).toMatchObject({ kind: 'ready', value: { consent: 'new' } });
  delete platform.answers.start_run;
  platform.answers.start_run = () => working;
  expect(await road.start()).toBe(true);
  expect(platform.argsOf('start_run').at(-1)).toEqual({ choice, consent: 'new' });
});

test('any other refusal is shown', async () => {
  const platform = new FakePlatform(answers(working));
  platform.answers.start_run = refuse({ code: 'run_in_progress', message: 'one runs already' });
  const road = new Road(new Session(platform), choice);
  await road.plan.load();
  expect(await road.start()).toBe(false);
  expect(road.starting.error?.code).toBe('run_in_progress');
});
