import { expect, test } from 'vitest';
import { pack } from '$fixtures/pack';
import { WelcomeForm } from './form.svelte';

test('nobody is chosen for the person, unless there is one kind only', () => {
  expect(new WelcomeForm(pack, null).persona).toBe('');
  expect(new WelcomeForm({ ...pack, personas: pack.personas.slice(1, 2) }, null).persona).toBe(
    'data-scientist',
  );
});

test('it is complete once someone is chosen and every question has an answer of its kind', () => {
  const form = new WelcomeForm(
    { ...pack, inputs: [...pack.inputs, { name: 'port', title: 'Port', kind: 'number' }] },
    null,
  );
  expect(form.complete).toBe(false);
  form.persona = 'qa';
  form.answers['email'] = ' ada@harbour.test ';
  form.answers['port'] = 'eighty';
  expect(form.complete).toBe(false);
  form.answers['port'] = '80';
  expect(form.complete).toBe(true);
  expect(form.choice()).toEqual({
    persona: 'qa',
    inputs: { workspace: '~/src', email: 'ada@harbour.test', editor: 'vscode', port: '80' },
  });
  form.startDate = '2026-11-20';
  expect(form.choice().start_date).toBe('2026-11-20');
});

test('coming back, the answers are still there, as long as the pack knows the person', () => {
  const before = { persona: 'qa', inputs: { email: 'ada@harbour.test' } };
  expect(new WelcomeForm(pack, before).answers['email']).toBe('ada@harbour.test');
  expect(new WelcomeForm({ ...pack, personas: [] }, before).persona).toBe('');
});
