import { afterEach, expect, test, vi } from 'vitest';
import { answers } from '$fixtures/answers';
import { failed } from '$fixtures/journeys';
import { FakePlatform, refuse } from '$fixtures/platform';
import { Session } from '$lib/features/app/session.svelte';
import { Help } from './help.svelte';

afterEach(() => vi.unstubAllGlobals());

function clipboard(writeText: (text: string) => Promise<void>): void {
  vi.stubGlobal('navigator', { clipboard: { writeText } });
}

test('nothing is handed over before it is on the screen', async () => {
  const copied = vi.fn(async () => undefined);
  clipboard(copied);
  const platform = new FakePlatform(answers(failed));
  const help = new Help(new Session(platform), 'build');
  await help.copy();
  await help.save();
  expect(copied).not.toHaveBeenCalled();
  expect(platform.asked).toEqual([]);
  await help.bundle.load();
  await help.copy();
  expect(copied).toHaveBeenCalledWith(help.text);
  expect(help.copied).toBe(true);
});

test('a clipboard that refuses is an error that is shown', async () => {
  clipboard(() => Promise.reject(new Error('not allowed')));
  const help = new Help(new Session(new FakePlatform(answers(failed))), 'build');
  await help.bundle.load();
  await help.copy();
  expect([help.copied, help.copying.error?.message]).toEqual([false, 'not allowed']);
});

test('whoever changes their mind about where has saved nothing', async () => {
  const platform = new FakePlatform({ ...answers(failed), save_help_bundle: () => null });
  const help = new Help(new Session(platform), 'build');
  await help.bundle.load();
  await help.save();
  expect([help.saved, help.saving.error]).toEqual([null, null]);
  platform.answers.save_help_bundle = refuse({ code: 'disk_full', message: 'full' });
  await help.save();
  expect([help.saved, help.saving.error?.code]).toEqual([null, 'disk_full']);
});
