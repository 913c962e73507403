// The table of steps: its columns, and their order.
import type { Kpi, StepRow } from '$lib/contract';
import * as m from '$messages';
import { valueOf, type Unit } from './figure';

export type Column = 'step' | 'person_days' | 'minutes' | 'doing' | 'waiting' | 'failing' | 'failure';
type FigureColumn = Exclude<Column, 'step'>;

export const FIGURES: readonly { column: FigureColumn; unit: Unit; word: () => string }[] = [
  { column: 'person_days', unit: 'person_days', word: m.insights_steps_lost },
  { column: 'minutes', unit: 'minutes', word: m.insights_steps_median },
  { column: 'doing', unit: 'minutes', word: m.insights_steps_doing },
  { column: 'waiting', unit: 'minutes', word: m.insights_steps_waiting },
  { column: 'failing', unit: 'minutes', word: m.insights_steps_failing },
  { column: 'failure', unit: 'share', word: m.insights_steps_failure },
];

export interface Order {
  column: Column;
  descending: boolean;
}

/** As the hub sends it: what costs most first. */
export const FIRST: Order = { column: 'person_days', descending: true };

/** The other way round, or by another column: figures from the largest, names from A. */
export function turned(order: Order, column: Column): Order {
  if (order.column === column) return { column, descending: !order.descending };
  return { column, descending: column !== 'step' };
}

/** In order. Where nothing is told stays last either way. */
export function sorted(rows: readonly StepRow[], { column, descending }: Order): StepRow[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (column === 'step') return sign * a.step.localeCompare(b.step);
    const [left, right] = [valueOf(a[column] as Kpi), valueOf(b[column] as Kpi)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return sign * (left - right);
  });
}

export interface Part {
  kind: 'doing' | 'waiting' | 'failing';
  minutes: number;
  start: number;
  share: number;
}

/** What a step's mean minutes are made of, as shares of the longest of all rows; nothing where a part is not told. */
export function parts(row: StepRow, longest: number): Part[] {
  let start = 0;
  const found: Part[] = [];
  for (const kind of ['doing', 'waiting', 'failing'] as const) {
    const minutes = valueOf(row[kind]);
    if (minutes === null) return [];
    const share = longest > 0 ? minutes / longest : 0;
    found.push({ kind, minutes, start, share });
    start += share;
  }
  return found;
}

export function longest(rows: readonly StepRow[]): number {
  const total = (row: StepRow): number =>
    (valueOf(row.doing) ?? 0) + (valueOf(row.waiting) ?? 0) + (valueOf(row.failing) ?? 0);
  return Math.max(0, ...rows.map(total));
}
