// Who is active, day by day, in pixels. A day about which nothing is told is a gap.
import { nice, ticks } from 'd3-array';
import { line } from 'd3-shape';
import type { ActiveDay } from '$lib/contract';
import { valueOf } from './figure';
import { look, type Look } from './looks';
import type { Box, Tick } from './curves';
import { linear } from './scale';

export const COUNTS = ['monthly', 'weekly', 'daily'] as const;
export type Count = (typeof COUNTS)[number];

export interface ActivityPlot {
  lines: { count: Count; look: Look; path: string }[];
  people: Tick[];
  /** Days that are named under the axis. */
  days: { at: number; day: string }[];
}

/** Between two names of days. */
const ROOM = 72;
const STEPS = 4;

export function plot(days: readonly ActiveDay[], { width, height }: Box): ActivityPlot {
  const most = Math.max(1, ...days.flatMap((day) => COUNTS.map((count) => valueOf(day[count]) ?? 0)));
  const [, top] = nice(0, most, STEPS);
  const y = linear(top, [Math.max(0, height), 0]);
  const x = linear(Math.max(1, days.length - 1), [0, Math.max(0, width)]);
  const lines = COUNTS.map((count, index) => {
    const path = line<ActiveDay>()
      .defined((day) => valueOf(day[count]) !== null)
      .x((_, at) => x(at))
      .y((day) => y(valueOf(day[count]) ?? 0));
    return { count, look: look(index), path: path([...days]) ?? '' };
  });
  // People are whole.
  const people = ticks(0, top, STEPS).filter(Number.isInteger);
  const every = Math.max(1, Math.ceil((days.length * ROOM) / Math.max(1, width)));
  // From the latest backwards: it is the one that is looked for.
  const named = days.flatMap((day, at) =>
    day.day !== null && (days.length - 1 - at) % every === 0 ? [{ at: x(at), day: day.day }] : [],
  );
  return { lines, people: people.map((value) => ({ value, at: y(value) })), days: named };
}
