import { clearMocks, mockConvertFileSrc, mockIPC } from '@tauri-apps/api/mocks';
import { afterEach, expect, test } from 'vitest';
import type { Notice } from '$lib/contract';
import { tauri } from './tauri';

afterEach(clearMocks);

test('a command is invoked by its name with one argument', async () => {
  const asked: unknown[] = [];
  mockIPC((name, payload) => {
    asked.push([name, payload]);
    return { ok: true, findings: [] };
  });
  expect(await tauri.call('doctor', {})).toEqual({ ok: true, findings: [] });
  await tauri.call('step_log', { step: 'build', first: 0, count: 10 });
  expect(asked).toEqual([
    ['doctor', { args: {} }],
    ['step_log', { args: { step: 'build', first: 0, count: 10 } }],
  ]);
});

test('an error arrives as the core sent it', async () => {
  mockIPC(() => Promise.reject({ code: 'network', message: 'no route' }));
  await expect(tauri.call('doctor', {})).rejects.toEqual({ code: 'network', message: 'no route' });
});

test('notices come on the channel that subscribe was given', async () => {
  const heard: Notice[] = [];
  let payload: unknown;
  mockIPC((name, given) => {
    expect(name).toBe('subscribe');
    payload = given;
  });
  await tauri.listen((notice) => heard.push(notice));
  const { channel } = payload as { channel: { onmessage: (notice: Notice) => void } };
  const notice: Notice = { kind: 'problem', error: { code: 'disk_full', message: 'full' } };
  channel.onmessage(notice);
  expect(heard).toEqual([notice]);
});

test('a picture of the pack comes from the scheme that the policy lets in, its path as one name', () => {
  mockConvertFileSrc('linux');
  expect(tauri.image('docs/my pictures/ä#1.png')).toBe(
    'pack-image://localhost/docs%2Fmy%20pictures%2F%C3%A4%231.png',
  );
  mockConvertFileSrc('windows');
  expect(tauri.image('docs/a.png')).toBe('http://pack-image.localhost/docs%2Fa.png');
});
