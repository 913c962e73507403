import { getLocale } from '$locale';
import { expect, test } from 'vitest';
import { apply, language } from './appearance';

const settings = {
  theme: 'system',
  language: '',
  reduce_motion: false,
  single_keys: true,
  administrator: false,
} as const;

test('the language is the chosen one, else the first of the system that we have, else English', () => {
  expect(language({ ...settings, language: 'de' }, ['en-GB'])).toBe('de');
  expect(language(settings, ['fr-FR', 'de-AT', 'en'])).toBe('de');
  expect(language({ ...settings, language: 'tlh' }, ['fr'])).toBe('en');
});

test('theme and motion are said on the root, and taken back', () => {
  const root = document.createElement('html');
  apply(
    { theme: 'dark', language: 'de', reduce_motion: true, single_keys: true, administrator: false },
    root,
    [],
  );
  expect([root.dataset['theme'], root.dataset['motion'], root.lang, getLocale()]).toEqual([
    'dark',
    'less',
    'de',
    'de',
  ]);
  apply(settings, root, ['en-GB']);
  expect([root.dataset['theme'], root.dataset['motion'], root.lang]).toEqual([undefined, undefined, 'en']);
});
