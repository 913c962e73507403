import { expect, test } from 'vitest';
import { find, type Entry } from './palette';

const entry = (words: string): Entry => ({ id: words, words, group: '', act: () => undefined });
const entries = ['Credentials', 'Read how we work', 'Über uns', 'Create your SSH key'].map(entry);
const found = (typed: string): string[] => find(entries, typed).map(({ words }) => words);

test('words that begin as typed come before words that only hold it', () => {
  expect(found('re')).toEqual(['Read how we work', 'Credentials', 'Create your SSH key']);
});

test('every typed word has to fit, in any order, accents aside', () => {
  expect(found('key ssh')).toEqual(['Create your SSH key']);
  expect(found('uber')).toEqual(['Über uns']);
  expect(found('ssh vpn')).toEqual([]);
});

test('with nothing typed, everything is offered', () => {
  expect(found('  ')).toHaveLength(4);
});
