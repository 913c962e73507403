import { expect, test } from 'vitest';
import { answers } from '$fixtures/answers';
import { appUpdate, newerApp } from '$fixtures/appUpdate';
import { reached, working } from '$fixtures/journeys';
import { FakePlatform, refuse, type Answers } from '$fixtures/platform';
import type { AppUpdateView, Code } from '$lib/contract';
import { Session } from '$lib/features/app/session.svelte';
import { AppUpdate, broughtBy, refusedTitle } from './appUpdate.svelte';

async function opened(
  change: Partial<Answers> = {},
  journey = reached,
): Promise<[FakePlatform, AppUpdate, Session]> {
  const platform = new FakePlatform({ ...answers(journey), ...change });
  const session = new Session(platform);
  await session.start();
  const update = new AppUpdate(session);
  await update.load();
  return [platform, update, session];
}

test('looking asks nobody, checking does, and a newer version is installed by its number', async () => {
  const [platform, update] = await opened();
  expect([update.offer, update.canCheck, update.lastCheck()]).toEqual([null, true, 'Not checked yet.']);
  await update.install();
  expect(platform.argsOf('check_app_update')).toEqual([]);
  await update.check();
  expect(update.offer?.version).toBe('0.2.0');
  await update.install();
  expect(platform.argsOf('install_app_update')).toEqual([{ version: '0.2.0' }]);
  expect(update.view?.state).toEqual({ kind: 'installed', version: '0.2.0' });
  expect(update.canCheck).toBe(false);
});

test('nothing is installed, and nothing is said, during a run', async () => {
  const [platform, update, session] = await opened({ app_update: () => newerApp }, working);
  expect([update.waits, session.newVersion]).toEqual([true, null]);
  await update.install();
  expect(platform.argsOf('install_app_update')).toEqual([]);
});

test('a newer version is said once, and not again after a no', async () => {
  const [platform, , session] = await opened();
  expect(session.newVersion).toBeNull();
  platform.notify({ kind: 'app_update', update: newerApp });
  expect(session.newVersion).toBe('0.2.0');
  session.notNow = '0.2.0';
  platform.notify({ kind: 'app_update', update: newerApp });
  expect(session.newVersion).toBeNull();
});

test('why an update was refused is said once', async () => {
  const error = { code: 'update_forged' as const, message: 'The update is not what was signed.' };
  const [platform, update] = await opened({ app_update: () => newerApp });
  platform.answers.install_app_update = () => {
    platform.notify({ kind: 'app_update', update: { ...newerApp, state: { kind: 'refused', error } } });
    throw error;
  };
  await update.install();
  expect([update.view?.state.kind, update.installing.error]).toEqual(['refused', null]);
});

test('a yes to what is no longer offered is said where the button is', async () => {
  const [, update] = await opened({
    app_update: () => newerApp,
    install_app_update: refuse({
      code: 'consent_stale',
      message: 'Version 0.2.0 is not what is offered now.',
    }),
  });
  await update.install();
  expect(update.installing.error?.code).toBe('consent_stale');
});

test('whoever brings newer versions is named, and the app offers no button', async () => {
  const others: AppUpdateView['by'][] = [
    { kind: 'packages', manager: 'apt' },
    { kind: 'organisation', who: 'IT' },
    { kind: 'administrator', place: '/Applications' },
    { kind: 'not_configured' },
    { kind: 'not_installed' },
  ];
  const words = others.map(broughtBy);
  expect(words.every((text) => text !== null)).toBe(true);
  expect(new Set(words).size).toBe(others.length);
  expect(words.slice(0, 3).join(' ')).toMatch(/apt.*IT.*\/Applications/s);
  expect(broughtBy({ kind: 'itself' })).toBeNull();
  for (const by of others) {
    const [, update] = await opened({ app_update: () => ({ ...appUpdate, by }) });
    expect(update.canCheck).toBe(false);
  }
});

test('being offline, forged, older and passed off are told apart', () => {
  const codes: Code[] = [
    'network',
    'update_slow',
    'update_forged',
    'update_older',
    'update_wrong_version',
    'update_not_installed',
    'update_not_https',
  ];
  expect(new Set(codes.map(refusedTitle)).size).toBe(codes.length);
});
