import { expect, test } from 'vitest';
import { placeName, scaleOf } from './scale';

test('scales have the places that answers are counted by', () => {
  const ends = (form: 'nps' | 'csat' | 'ces') => {
    const places = scaleOf({ form })?.places ?? [];
    return [places[0], places.at(-1), places.length];
  };
  expect(ends('nps')).toEqual([0, 10, 11]);
  expect(ends('csat')).toEqual([1, 5, 5]);
  expect(ends('ces')).toEqual([1, 7, 7]);
  expect(scaleOf({ form: 'text', longest: 10 })).toBeNull();
  expect(scaleOf({ form: 'choice', options: [], several: false })).toBeNull();
});

test('the ends of a scale are named, whatever lies between is a number', () => {
  const scale = scaleOf({ form: 'nps' });
  if (!scale) throw new Error('it is a scale');
  expect(placeName(scale, 0)).toBe('0: not likely at all');
  expect(placeName(scale, 5)).toBe('5');
  expect(placeName(scale, 10)).toBe('10: extremely likely');
});
