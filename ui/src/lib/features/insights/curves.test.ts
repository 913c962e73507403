import { expect, test } from 'vitest';
import { curve, hidden, slow } from '$fixtures/insights';
import { byDay, drawable, plot, until } from './curves';
import { MOST } from './looks';

const BOX = { width: 800, height: 200 };

/** The corners of a path of straight lines. */
function corners(path: string): [number, number][] {
  return [...path.matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

test('a curve begins with everybody at the start of the clock and falls', () => {
  const [series] = plot([curve('backend', 84, 4)], BOX).series;
  const points = corners(series?.line ?? '');
  expect(points[0]).toEqual([0, 0]);
  const heights = points.map(([, y]) => y);
  expect(heights).toEqual([...heights].sort((a, b) => a - b));
  expect(points.every(([x, y]) => x <= BOX.width && y <= BOX.height)).toBe(true);
});

test('the median lies on the curve, at half of the height', () => {
  const [series] = plot([curve('backend', 84, 4.2)], BOX).series;
  expect(series?.median?.y).toBe(100);
  expect(corners(series?.line ?? '')).toContainEqual([Number(series?.median?.x.toFixed(3)), 100]);
});

test('where half have not arrived there is no median, and the curve ends where the hub ends it', () => {
  const drawn = plot([slow], BOX);
  expect(drawn.series[0]?.median).toBeNull();
  expect(corners(drawn.series[0]?.line ?? '').at(-1)?.[0]).toBe(BOX.width);
  expect(until([slow])).toBe(14);
});

test('numbers at risk are the hub’s own, under days that it tells', () => {
  const groups = [curve('backend', 84, 4), curve('data', 41, 2)];
  const drawn = plot(groups, BOX);
  expect(drawn.days.map(({ value }) => value)).toContain(0);
  for (const [index, series] of drawn.series.entries()) {
    for (const [at, { value }] of drawn.days.entries()) {
      const told = groups[index]?.points.find((point) => point.days === value)?.at_risk ?? null;
      expect(series.atRisk[at]).toBe(told);
    }
  }
});

test('labels have room, also in a narrow window', () => {
  for (const width of [120, 400, 1200]) {
    const { days } = plot([curve('backend', 84, 9)], { width, height: 200 });
    expect(days.length).toBeGreaterThan(1);
    for (let index = 1; index < days.length; index++) {
      expect((days[index]?.at ?? 0) - (days[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(52);
    }
  }
});

test('groups that may not be shown are not drawn, and no more lines than can be told apart', () => {
  expect(drawable([hidden])).toEqual([]);
  expect(plot([hidden], BOX).series).toEqual([]);
  const many = Array.from({ length: MOST + 3 }, (_, at) => curve(`p${at}`, 20 + at, 3));
  const drawn = plot(many, BOX);
  expect(drawn.series).toHaveLength(MOST);
  expect(drawn.left).toBe(3);
  expect(drawn.series[0]?.name).toBe(`p${MOST + 2}`);
  expect(new Set(drawn.series.map(({ look }) => `${look.colour} ${look.dash}`)).size).toBe(MOST);
});

test('the table has every day that any curve tells', () => {
  const rows = byDay([curve('backend', 84, 4), curve('data', 41, 2)]);
  expect(rows.map(({ days }) => days)).toEqual(
    [...new Set(rows.map(({ days }) => days))].sort((a, b) => a - b),
  );
  expect(rows.at(-1)?.cells[1]).toBeNull();
  expect(rows[0]?.cells.map((cell) => cell?.waiting)).toEqual([1, 1]);
});
