import { expect, test } from 'vitest';
import { Router } from './router.svelte';

test('the way back is the way there', () => {
  const router = new Router();
  router.go({ name: 'road' });
  router.go({ name: 'step', step: 'a' });
  router.go({ name: 'step', step: 'a' });
  router.go({ name: 'step', step: 'b' });
  router.back();
  expect(router.route).toEqual({ name: 'step', step: 'a' });
  router.back();
  router.back();
  router.back();
  expect(router.route).toEqual({ name: 'welcome' });
  expect(router.canGoBack).toBe(false);
});

test('after a new start there is no way back', () => {
  const router = new Router();
  router.go({ name: 'road' });
  router.restart({ name: 'today' });
  router.back();
  expect(router.route).toEqual({ name: 'today' });
});
