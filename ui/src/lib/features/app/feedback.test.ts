import { expect, test } from 'vitest';
import { quiet } from '$fixtures/surveys';
import { FakePlatform, refuse } from '$fixtures/platform';
import { Feedback, place } from './feedback.svelte';
import { placeWord } from './place';

function begin(): { platform: FakePlatform; feedback: Feedback } {
  const platform = new FakePlatform({
    surveys: () => quiet,
    give_feedback: () => ({ submission: 'one', reach: 'leaves' }),
  });
  return { platform, feedback: new Feedback(platform.call.bind(platform)) };
}

test('it is sent as the person lets it: with or without a name, and where they were', async () => {
  const { platform, feedback } = begin();
  const about = place({ name: 'step', step: 'vpn' });
  feedback.text = ' Good. ';
  expect(await feedback.send(about)).toBe(true);
  feedback.text = 'Bad.';
  feedback.name = ' Ada ';
  feedback.placed = false;
  await feedback.send(about);
  expect(platform.argsOf('give_feedback')).toEqual([
    { text: 'Good.', about: { about: 'step', step: 'vpn' } },
    { text: 'Bad.', name: 'Ada' },
  ]);
});

test('nothing is sent of nothing', async () => {
  const { platform, feedback } = begin();
  feedback.text = '  ';
  expect(await feedback.send(place({ name: 'today' }))).toBe(false);
  expect(platform.argsOf('give_feedback')).toEqual([]);
});

test('a draft stays until it is sent', async () => {
  const { platform, feedback } = begin();
  platform.answers.give_feedback = refuse({ code: 'disk_full', message: 'full' });
  feedback.text = 'Good.';
  await feedback.send(place({ name: 'today' }));
  feedback.open();
  expect([feedback.text, feedback.sending.error]).toEqual(['Good.', null]);
  platform.answers.give_feedback = () => ({ submission: 'one', reach: 'stays_here' });
  await feedback.send(place({ name: 'today' }));
  expect([feedback.text, feedback.sent]).toEqual(['', 'stays_here']);
});

test('every place has a name of its own', () => {
  const titles = (step: string): string | undefined => (step === 'vpn' ? 'Ask for VPN access' : undefined);
  expect(placeWord(place({ name: 'step', step: 'vpn' }), titles)).toBe('Ask for VPN access');
  expect(placeWord(place({ name: 'step', step: 'gone' }), titles)).toBe('gone');
  expect(placeWord(place({ name: 'doc', document: 'docs/a.md' }), titles)).toBe('Documents');
  const names = [
    'welcome',
    'road',
    'today',
    'first-light',
    'docs',
    'projects',
    'credentials',
    'privacy',
    'insights',
    'settings',
  ];
  const words = names.map((name) => placeWord(place({ name } as Parameters<typeof place>[0]), titles));
  expect(new Set(words).size).toBe(names.length);
});
