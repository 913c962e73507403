import { expect, test } from 'vitest';
import { findings, scanned, weak } from '$fixtures/findings';
import { command, Findings, fix, place, severity, tone, type Core } from './findings.svelte';

const [lodash, git, time] = findings as [
  (typeof findings)[number],
  (typeof findings)[number],
  (typeof findings)[number],
];

function core(change: Partial<Core> = {}): Core & { asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    scan: () => Promise.resolve(scanned(weak)),
    acceptFinding: (wanted) => Promise.resolve(asked.push(wanted)),
    openAdvisory: (advisory) => Promise.resolve(asked.push(advisory)),
    ...change,
  };
}

test('a finding says what to do about it', () => {
  expect(severity(lodash)).toBe('High');
  expect(place(lodash)).toBe('in orders-service/web/package-lock.json');
  expect(place(git)).toBe('on this machine');
  expect(fix(lodash)).toBe('Fixed in 4.17.21.');
  expect(fix(git)).toBe('Ask for the update in Software Centre.');
  expect(fix(time)).toMatch(/^No version without it is known/);
  expect(command(lodash)).toBe('npm update lodash');
  expect(command(git)).toBeNull();
});

test('what is accepted is quiet, and what blocks is not', () => {
  expect([lodash, git, time].map(tone)).toEqual(['bad', 'bad', 'muted']);
  expect(tone({ ...lodash, blocks: false, severity: 'low' })).toBe('warn');
  expect(tone({ ...lodash, blocks: true, severity: 'low' })).toBe('bad');
});

test('looking keeps what was seen, and an error beside it', async () => {
  let fails = false;
  const findings = new Findings(
    core({
      scan: () =>
        fails ? Promise.reject({ code: 'internal', message: 'Broken.' }) : Promise.resolve(scanned(weak)),
    }),
  );
  await findings.look();
  expect(findings.seen?.looked_at).toHaveLength(2);
  fails = true;
  await findings.look();
  expect(findings.looking.error?.message).toBe('Broken.');
  expect(findings.seen?.looked_at).toHaveLength(2);
});

test('it is accepted with a day and a reason, and stays asked when that is refused', async () => {
  let refuses = true;
  const asked: unknown[] = [];
  const findings = new Findings(
    core({
      acceptFinding: (wanted) => {
        if (refuses) return Promise.reject({ code: 'input_invalid', message: 'Too late.' });
        return Promise.resolve(asked.push(wanted));
      },
    }),
  );
  findings.ask(lodash);
  expect(findings.until).toBe(lodash.acceptable_until);
  await findings.accept();
  expect(asked).toEqual([]);
  expect(findings.accepting.error).toBeNull();
  findings.because = '  No template comes from outside. ';
  await findings.accept();
  expect(findings.accepting.error?.message).toBe('Too late.');
  expect(findings.asked).toBe(lodash);
  refuses = false;
  await findings.accept();
  expect(findings.asked).toBeNull();
  expect(asked).toEqual([
    {
      advisory: lodash.advisory,
      until: lodash.acceptable_until,
      because: 'No template comes from outside.',
    },
  ]);
});

test('more is read by the id of the advisory, never by an address', async () => {
  const asking = core();
  await new Findings(asking).open(lodash);
  expect(asking.asked).toEqual([lodash.advisory]);
});
