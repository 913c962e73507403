import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import CredentialForm from './CredentialForm.svelte';

const SECRET = 'hunter2-not-for-the-screen';

function show(store: (value: string) => Promise<unknown>): HTMLInputElement {
  render(CredentialForm, {
    title: 'Registry token',
    canGenerate: true,
    tested: true,
    store,
    generate: vi.fn(async () => undefined),
  });
  return screen.getByLabelText<HTMLInputElement>('Registry token');
}

test('a value is handed over once and nowhere on the screen after that', async () => {
  const store = vi.fn(async () => undefined);
  const input = show(store);
  expect(input.type).toBe('password');
  await userEvent.type(input, SECRET);
  await userEvent.click(screen.getByRole('button', { name: 'Store' }));
  expect(store).toHaveBeenCalledExactlyOnceWith(SECRET);
  expect(input.value).toBe('');
  expect(document.body.innerHTML).not.toContain(SECRET);
});

test('a refused value is cleared, too, and the reason is said', async () => {
  const input = show(() =>
    Promise.reject({ code: 'credential_refused', message: 'The server answered 401.' }),
  );
  await userEvent.type(input, SECRET);
  await userEvent.keyboard('{Enter}');
  expect(await screen.findByRole('alert')).toHaveTextContent('The server answered 401.');
  expect(screen.getByRole('alert')).toHaveTextContent('credential_refused');
  expect(input.value).toBe('');
});
