import { expect, test } from 'vitest';
import { words } from './argv';

test('where one argument ends and the next begins can be seen', () => {
  expect(words(['git', 'commit', '-m', 'two words', ''])).toEqual([
    'git',
    'commit',
    '-m',
    "'two words'",
    "''",
  ]);
  expect(words(["it's", '$(rm -rf ~)', 'a;b'])).toEqual(["'it'\\''s'", "'$(rm -rf ~)'", "'a;b'"]);
});
