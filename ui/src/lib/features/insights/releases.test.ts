import { expect, test } from 'vitest';
import { compared, parse, sorted } from './releases';

const names = [
  'tools@1.0.0',
  'acme@10.0.0',
  'acme@2.0.0',
  'acme@10.0.0-rc.2',
  'acme@10.0.0-rc.10',
  'nonsense',
  '@1.0.0',
];
const none = { before: null, after: null };

test('releases stand by pack and by number, a pre-release before its release', () => {
  expect(sorted(names).map(({ name }) => name)).toEqual([
    'acme@2.0.0',
    'acme@10.0.0-rc.2',
    'acme@10.0.0-rc.10',
    'acme@10.0.0',
    'tools@1.0.0',
  ]);
  expect(parse('@scope/acme@1.0.0')).toEqual({
    name: '@scope/acme@1.0.0',
    pack: '@scope/acme',
    version: '1.0.0',
  });
});

test.each([
  [none, 'acme@10.0.0-rc.10', 'acme@10.0.0'],
  [{ before: 'acme@2.0.0', after: null }, 'acme@2.0.0', 'acme@10.0.0'],
  [{ before: null, after: 'acme@10.0.0-rc.2' }, 'acme@2.0.0', 'acme@10.0.0-rc.2'],
  // The oldest is compared with a newer one rather than with nothing.
  [{ before: null, after: 'acme@2.0.0' }, 'acme@10.0.0-rc.2', 'acme@2.0.0'],
  // Of two packs nothing is compared.
  [{ before: 'tools@1.0.0', after: 'acme@10.0.0' }, 'acme@10.0.0-rc.10', 'acme@10.0.0'],
  [{ before: 'acme@10.0.0', after: 'acme@10.0.0' }, 'acme@10.0.0-rc.10', 'acme@10.0.0'],
  // A link may name releases that are not listed, because too few have begun with them.
  [{ before: 'acme@0.9.0', after: 'acme@3.0.0' }, 'acme@0.9.0', 'acme@3.0.0'],
])('what is compared: %#', (chosen, before, after) => {
  const found = compared(sorted(names), chosen);
  expect([found?.before.name, found?.after.name]).toEqual([before, after]);
});

test('one release is compared with nothing', () => {
  expect(compared(sorted(['acme@1.0.0', 'tools@1.0.0']), none)).toBeNull();
  expect(compared([], none)).toBeNull();
});
