import { expect, test } from 'vitest';
import { answers } from '$fixtures/answers';
import { doctorFixed, fixes } from '$fixtures/doctor';
import { working } from '$fixtures/journeys';
import { FakePlatform, refuse } from '$fixtures/platform';
import { Session } from '$lib/features/app/session.svelte';
import { Doctor } from './doctor.svelte';

async function found(change: Parameters<typeof Object.assign>[1] = {}): Promise<[FakePlatform, Doctor]> {
  const platform = new FakePlatform({ ...answers(working), ...change });
  const doctor = new Doctor(new Session(platform));
  await doctor.found.load();
  return [platform, doctor];
}

test('the tools that can be set are named', async () => {
  const [, doctor] = await found();
  expect(doctor.tools).toEqual(['git', 'npm']);
});

test('what is agreed to is the hash of what was shown, and nothing before it was', async () => {
  const [platform, doctor] = await found();
  expect(await doctor.agree()).toBe(false);
  expect(platform.argsOf('fix')).toEqual([]);
  await doctor.look();
  expect(doctor.wanted).toBe(true);
  expect(await doctor.agree()).toBe(true);
  expect(platform.argsOf('fix')).toEqual([{ consent: fixes.plan.consent }]);
  expect([doctor.did, doctor.plan]).toEqual(['set', null]);
  expect(doctor.found.state).toEqual({ kind: 'ready', value: doctorFixed });
  expect(doctor.tools).toEqual([]);
});

test('what changed meanwhile is shown anew, said so, and not set', async () => {
  const [platform, doctor] = await found({ fix: refuse({ code: 'consent_stale', message: 'another plan' }) });
  await doctor.look();
  platform.answers.plan_fix = () => ({ ...fixes, plan: { ...fixes.plan, consent: 'new' } });
  await doctor.agree();
  expect([doctor.stale, doctor.did, doctor.setting.error]).toEqual([true, null, null]);
  expect(doctor.plan?.plan.consent).toBe('new');
});

test('a refusal is shown and leaves the plan on the screen', async () => {
  const [, doctor] = await found({ fix: refuse({ code: 'step_state', message: 'read-only' }) });
  await doctor.look();
  expect(await doctor.agree()).toBe(false);
  expect(doctor.setting.error?.message).toBe('read-only');
  expect(doctor.plan).not.toBeNull();
  // Looking again is a new beginning.
  await doctor.look();
  expect(doctor.setting.error).toBeNull();
});

test('what was set is taken back', async () => {
  const [platform, doctor] = await found();
  await doctor.undo();
  expect(platform.argsOf('undo_fix')).toEqual([{}]);
  expect(doctor.did).toBe('undone');
});

test('a chosen file of certificates is planned for, and stays what is meant when the plan has changed', async () => {
  const [platform, doctor] = await found({ fix: refuse({ code: 'consent_stale', message: 'another plan' }) });
  await doctor.choose();
  expect(doctor.wanted).toBe(true);
  await doctor.agree();
  expect(platform.argsOf('plan_fix')).toEqual([{ chosen_certificates: true }]);
  // Looking at what this machine needs is another question.
  await doctor.look();
  await doctor.agree();
  expect(platform.argsOf('plan_fix').slice(1)).toEqual([
    { chosen_certificates: false },
    { chosen_certificates: false },
  ]);
});

test('somebody who changes their mind about the file is shown nothing', async () => {
  const [, doctor] = await found({ choose_certificates: () => null });
  await doctor.choose();
  expect([doctor.plan, doctor.planning.error]).toEqual([null, null]);
});

test('whether the rights are theirs is asked where no group shows it, kept, and looked at again', async () => {
  const [platform, doctor] = await found();
  expect(doctor.administratorIsAsked).toBe(true);
  platform.answers.doctor = () => ({ ok: true, findings: [], can_undo: false });
  await doctor.sayAdministrator(true);
  expect(platform.argsOf('save_settings')).toMatchObject([{ administrator: true }]);
  expect(doctor.found.state).toMatchObject({ kind: 'ready', value: { findings: [] } });
  // It can be taken back.
  expect(doctor.administratorIsAsked).toBe(true);
});

test('it is not asked of somebody who is an administrator', async () => {
  const [, doctor] = await found({ doctor: () => ({ ok: true, findings: [], can_undo: false }) });
  expect(doctor.administratorIsAsked).toBe(false);
});
