// Both languages say the same things, with the same blanks, in the same voice.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

type Message = string | { declarations: string[]; match: Record<string, string> }[];
const read = (locale: string): Record<string, Message> =>
  JSON.parse(readFileSync(join(process.cwd(), 'messages', `${locale}.json`), 'utf8')) as Record<
    string,
    Message
  >;

const en = read('en');
const de = read('de');
const texts = (message: Message | undefined): string[] =>
  message === undefined
    ? []
    : typeof message === 'string'
      ? [message]
      : message.flatMap((variant) => Object.values(variant.match));
const blanks = (message: Message | undefined): string[] =>
  [...new Set(texts(message).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort();

test('the second language is complete', () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
});

test('translations fill the same blanks', () => {
  for (const key of Object.keys(en)) expect(blanks(de[key]), key).toEqual(blanks(en[key]));
});

test('nothing is shouted', () => {
  for (const [key, message] of [...Object.entries(en), ...Object.entries(de)]) {
    if (!key.startsWith('$')) for (const text of texts(message)) expect(text, key).not.toContain('!');
  }
});
