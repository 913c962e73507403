import { describe, expect, test } from 'vitest';
import { FakeDesk, badge, desktop, vpn } from '$fixtures/queue';
import { read, write } from './address';
import { Queue } from './queue.svelte';

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

async function shown(desk: FakeDesk, search = ''): Promise<Queue> {
  const queue = new Queue(desk);
  queue.show(read(search));
  await settled();
  return queue;
}

function titles(queue: Queue): string[] {
  const { state } = queue.told;
  return state.kind === 'ready' ? state.value.answer.requests.map(({ title }) => title) : [];
}

test('what is looked at stands in the address', () => {
  for (const search of ['', '?state=all', '?owner=it-helpdesk', '?state=all&owner=it-helpdesk']) {
    expect(write(read(search))).toBe(search);
  }
  expect(write(read('?state=everything&owner=&x=1'))).toBe('');
});

test('what is due first stands first, and of one owner if that is asked', async () => {
  const desk = new FakeDesk();
  const queue = await shown(desk);
  expect(titles(queue)).toEqual([vpn, badge, desktop].map(({ title }) => title));
  expect(queue.owners).toEqual(['facilities', 'it-helpdesk']);
  queue.show(read('?owner=facilities'));
  await settled();
  expect(titles(queue)).toEqual([badge.title]);
  expect(desk.asked.at(-1)).toEqual({ state: 'open', owner: 'facilities' });
  // An owner of whom nothing is there can still be left again.
  queue.show(read('?owner=legal'));
  await settled();
  expect([titles(queue), queue.owners]).toEqual([[], ['legal']]);
});

test('an answer is sent with what was written, and stands in its place', async () => {
  const desk = new FakeDesk();
  const queue = await shown(desk);
  queue.begin(badge);
  const { draft } = queue;
  expect(draft?.reply).toBe('done');
  if (draft) [draft.words, draft.by] = ['  At the front desk.  ', ' Front desk '];
  expect(await queue.send()).toBe(true);
  const given = { reply: 'done', words: 'At the front desk.', by: 'Front desk' };
  expect(desk.given).toEqual([[badge.id, given]]);
  expect(queue.draft).toBeNull();
  expect(queue.answered?.id).toBe(badge.id);
  const { state } = queue.told;
  const requests = state.kind === 'ready' ? state.value.answer.requests : [];
  expect(requests.map(({ state }) => state)).toEqual(['open', 'answered', 'open']);
});

describe('a refusal', () => {
  test('is not sent without a reason', async () => {
    const desk = new FakeDesk();
    const queue = await shown(desk);
    queue.begin(vpn);
    const { draft } = queue;
    if (draft) [draft.reply, draft.words] = ['refused', '  \n '];
    expect(await queue.send()).toBe(false);
    expect([draft?.unsaid, desk.given]).toEqual([true, []]);
    if (draft) draft.words = 'Ask for it after your training.';
    expect(await queue.send()).toBe(true);
    expect(desk.given).toEqual([[vpn.id, { reply: 'refused', words: 'Ask for it after your training.' }]]);
  });
});

test('what was written is kept where the hub says no, and the reason is shown', async () => {
  const desk = new FakeDesk();
  const queue = await shown(desk);
  queue.begin(vpn);
  if (queue.draft) queue.draft.words = 'Done this morning.';
  desk.no = { code: 'hub_refused', message: 'This request was answered, granted or withdrawn before.' };
  expect(await queue.send()).toBe(false);
  expect(queue.sending.error?.code).toBe('hub_refused');
  expect(queue.draft?.words).toBe('Done this morning.');
  // Another one begins without it.
  queue.begin(badge);
  expect([queue.sending.error, queue.draft?.words]).toEqual([null, '']);
});

test('while the hub cannot be reached, what waited last stands and says so; who may not look is told nothing', async () => {
  const desk = new FakeDesk();
  const queue = await shown(desk);
  desk.no = { code: 'network', message: 'The hub does not answer.' };
  await queue.told.load();
  expect(queue.told.state).toMatchObject({ kind: 'ready', value: { problem: { code: 'network' } } });
  expect(titles(queue)).toHaveLength(3);
  desk.no = { code: 'hub_no_access', message: 'This needs to be signed in.' };
  await queue.told.load();
  expect(queue.closed?.code).toBe('hub_no_access');
});
