import { render, screen } from '@testing-library/svelte';
import { createRawSnippet } from 'svelte';
import { expect, test } from 'vitest';
import Page from './Page.svelte';

const field = createRawSnippet(() => ({ render: () => '<input aria-label="Search" />' }));
const frame = (): Promise<number> => new Promise((done) => requestAnimationFrame(done));

test('a new screen begins at its heading', async () => {
  render(Page, { title: 'Documents', children: field });
  await frame();
  expect(screen.getByRole('heading', { name: 'Documents' })).toHaveFocus();
});

test('whoever writes in it before its first frame goes on writing', async () => {
  render(Page, { title: 'Documents', children: field });
  screen.getByLabelText('Search').focus();
  await frame();
  expect(screen.getByLabelText('Search')).toHaveFocus();
});
