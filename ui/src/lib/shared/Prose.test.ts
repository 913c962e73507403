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

test('without an app around it, pictures are their descriptions and links in the pack are words', () => {
  const { container } = render(Prose, {
    blocks: [
      {
        kind: 'paragraph',
        inlines: [
          { kind: 'image', path: 'docs/a.png', alt: 'A map', width: 10, height: 10 },
          { kind: 'doc_link', path: 'docs/b.md', inlines: [{ kind: 'text', text: 'More' }] },
          { kind: 'step_link', step: 'vpn', inlines: [{ kind: 'text', text: 'Its step' }] },
        ],
      },
      {
        kind: 'table',
        head: [[{ kind: 'text', text: HOSTILE }]],
        rows: [[[{ kind: 'text', text: HOSTILE }]]],
      },
    ],
  });
  expect(container.querySelectorAll('img, script, button, a')).toHaveLength(0);
  expect(container.textContent).toContain('A mapMoreIts step');
  expect(container.textContent?.split(HOSTILE)).toHaveLength(3);
});

test('a heading is led to only where the text is what the screen is about, and is none of the app’s own ids', () => {
  const blocks: Block[] = [
    { kind: 'heading', level: 1, anchor: 'main', inlines: [{ kind: 'text', text: 'Main' }] },
    { kind: 'heading', level: 6, anchor: 'deep', inlines: [{ kind: 'text', text: 'Deep' }] },
  ];
  const aside = render(Prose, { blocks });
  expect(aside.container.querySelectorAll('[id]')).toHaveLength(0);
  expect(aside.container.querySelectorAll('h3, h4')).toHaveLength(2);
  aside.unmount();
  const { container } = render(Prose, { blocks, whole: true });
  expect([...container.querySelectorAll('[id]')].map(({ id }) => id)).toEqual(['doc-main', 'doc-deep']);
  expect(container.querySelectorAll('h2, h4')).toHaveLength(2);
});
