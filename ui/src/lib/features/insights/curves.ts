// Curves of the time to first value, in pixels.
import { area, line } from 'd3-shape';
import type { CurvePoint, TtfvCurve } from '$lib/contract';
import { valueOf } from './figure';
import { look, MOST, type Look } from './looks';
import { linear } from './scale';

/** Days that people count in; numbers at risk are told under those that the hub tells. */
const COUNTED = [0, 1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90, 180];
/** Between two labels of an axis. */
const ROOM = 52;
/** Nobody needs to see the last few in a hundred arrive over weeks: the table tells them. */
const NEARLY_ALL = 0.05;
/** In days: an hour drawn as wide as the window would look like weeks. */
const SHORTEST = 1;

export interface Tick {
  at: number;
  value: number;
}

export interface Series {
  name: string;
  look: Look;
  line: string;
  band: string;
  /** Where half have arrived. */
  median: { x: number; y: number } | null;
  /** How many are still on their way, under each day of the axis; nothing where that is not told. */
  atRisk: (number | null)[];
}

export interface Plot {
  series: Series[];
  days: Tick[];
  shares: Tick[];
  /** How many groups are in the table only. */
  left: number;
}

export interface Box {
  width: number;
  height: number;
}

/** Those that have a curve, as many as can be told apart, the largest first. */
export function drawable(groups: readonly TtfvCurve[]): TtfvCurve[] {
  const size = (group: TtfvCurve): number => group.points[0]?.at_risk ?? 0;
  return groups.filter((group) => group.points.length > 1).sort((a, b) => size(b) - size(a));
}

/** Until which day the picture goes: where nearly all of every group have arrived, or the last curve ends. */
export function until(groups: readonly TtfvCurve[]): number {
  const ends = groups.map((group) => {
    const nearly = group.points.find((point) => point.waiting <= NEARLY_ALL) ?? group.points.at(-1);
    return nearly?.days ?? 0;
  });
  return Math.max(SHORTEST, ...ends);
}

export function plot(groups: readonly TtfvCurve[], { width, height }: Box): Plot {
  const all = drawable(groups);
  const drawn = all.slice(0, MOST);
  const last = until(drawn);
  const x = linear(last, [0, Math.max(0, width)]);
  const y = linear(1, [Math.max(0, height), 0]);
  const told = new Set(drawn.flatMap((group) => group.points.map((point) => point.days)));
  const days: Tick[] = [];
  for (const value of COUNTED) {
    const at = x(value);
    const before = days.at(-1);
    if (value <= last && told.has(value) && (!before || at - before.at >= ROOM)) days.push({ at, value });
  }
  const toLine = line<{ days: number; waiting: number }>()
    .x((point) => x(point.days))
    .y((point) => y(point.waiting));
  const toBand = area<CurvePoint>()
    .defined((point) => point.ci[0] !== null && point.ci[1] !== null)
    .x((point) => x(point.days))
    .y0((point) => y(point.ci[0] ?? 0))
    .y1((point) => y(point.ci[1] ?? 0));
  const series = drawn.map((group, index): Series => {
    const points = group.points.filter((point) => point.days <= last);
    const median = valueOf(group.figures.median);
    const seen = median !== null && median <= (points.at(-1)?.days ?? 0) ? median : null;
    return {
      name: group.name,
      look: look(index),
      line: toLine(through(points, seen)) ?? '',
      band: toBand(points) ?? '',
      median: seen === null ? null : { x: x(seen), y: y(0.5) },
      atRisk: days.map(({ value }) => points.find((point) => point.days === value)?.at_risk ?? null),
    };
  });
  const shares = [0, 0.25, 0.5, 0.75, 1].map((value) => ({ value, at: y(value) }));
  return { series, days, shares, left: all.length - drawn.length };
}

/** The curve is told at fixed days; where half have arrived is known exactly, and lies on it. */
function through(points: readonly CurvePoint[], median: number | null): { days: number; waiting: number }[] {
  if (median === null || points.some((point) => point.days === median)) return [...points];
  return [...points, { days: median, waiting: 0.5 }].sort((a, b) => a.days - b.days);
}

/** Every day that the hub tells, with what each group's curve says there. */
export function byDay(groups: readonly TtfvCurve[]): { days: number; cells: (CurvePoint | null)[] }[] {
  const days = [...new Set(groups.flatMap((group) => group.points.map((point) => point.days)))];
  return days
    .sort((a, b) => a - b)
    .map((day) => ({
      days: day,
      cells: groups.map((group) => group.points.find((point) => point.days === day) ?? null),
    }));
}
