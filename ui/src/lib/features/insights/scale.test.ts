import { expect, test } from 'vitest';
import { linear } from './scale';

test('what is told is spread evenly over the pixels, upwards as well', () => {
  expect([0, 5, 10].map(linear(10, [0, 200]))).toEqual([0, 100, 200]);
  expect([0, 0.25, 1].map(linear(1, [120, 0]))).toEqual([120, 90, 0]);
});
