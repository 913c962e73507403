import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { Block } from '$lib/contract';
import Prose from './Prose.svelte';

const HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
const paragraph = (text: string): Block => ({ kind: 'paragraph', inlines: [{ kind: 'text', text }] });

test('markup in a pack is text, wherever it stands', () => {
  const { container } = render(Prose, {
    blocks: [
      paragraph(HOSTILE),
      { kind: 'heading', level: 1, inlines: [{ kind: 'text', text: HOSTILE }] },
      { kind: 'code', language: '"><script>', text: HOSTILE },
      { kind: 'list', ordered: false, items: [[paragraph(HOSTILE)]] },
      { kind: 'quote', blocks: [paragraph(HOSTILE)] },
    ],
  });
  expect(container.querySelectorAll('img, script, iframe')).toHaveLength(0);
  expect(container.textContent?.split(HOSTILE)).toHaveLength(6);
});

test('a link goes nowhere: pressed, it shows where it points', async () => {
  const url = 'javascript:alert(1)';
  const { container } = render(Prose, {
    blocks: [
      { kind: 'paragraph', inlines: [{ kind: 'link', url, inlines: [{ kind: 'text', text: 'here' }] }] },
    ],
  });
  expect(container.querySelector('a, [href]')).toBeNull();
  expect(screen.queryByText(url)).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'here' }));
  expect(screen.getByText(url)).toBeVisible();
});
