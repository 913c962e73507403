import { expect, test } from 'vitest';
import { projects } from '$fixtures/projects';
import { inOrder, isDrifted } from './projects';

test('what differs comes first, and a project that is gone does not', () => {
  const order = inOrder(projects.projects);
  expect(order.map(isDrifted)).toEqual([true, true, true, false, false, false]);
  expect(order.map(({ state }) => state)).toContain('gone');
  expect(projects.projects[0]).not.toBe(order[0]);
});
