import { render } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import Words from './Words.svelte';

test('what stands between backticks is code, and an unclosed one stays as it is', () => {
  const { container } = render(Words, { text: 'Run `git push` now; 5` wide' });
  expect([...container.querySelectorAll('code')].map((code) => code.textContent)).toEqual(['git push']);
  expect(container.textContent).toBe('Run git push now; 5` wide');
});

test('markup in a sentence stays text', () => {
  const { container } = render(Words, { text: '<b>`<i>x</i>`</b>' });
  expect(container.querySelector('b, i')).toBeNull();
});
