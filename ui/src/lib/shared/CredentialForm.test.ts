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

test('what its test printed stands beside cause and hint, and can be reached by keyboard', async () => {
  const input = show(() =>
    Promise.reject({
      code: 'credential_refused',
      message: '“Registry token” was not accepted: its test ended with code 7.',
      hint: 'See that it is the right one.',
      last_lines: ['checking ‹token ***›', '\u001b[31mrevoked\u001b[0m on 2 May'],
    }),
  );
  await userEvent.type(input, SECRET);
  await userEvent.keyboard('{Enter}');
  const alert = await screen.findByRole('alert');
  expect(alert).toHaveTextContent('ended with code 7');
  expect(alert).toHaveTextContent('See that it is the right one.');
  const printed = screen.getByRole('region', { name: 'The end of the output' });
  expect(alert).toContainElement(printed);
  expect(printed.textContent).toBe('checking ‹token ***›\nrevoked on 2 May\n');
  expect(printed).toHaveAttribute('tabindex', '0');
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
  // Where nothing was printed, nothing is shown for it.
  expect(screen.queryByRole('region')).toBeNull();
  expect(input.value).toBe('');
});
