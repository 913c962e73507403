// A figure in words: what it is, how sure, of how many; or why it is not shown.
import type { Kpi } from '$lib/contract';
import { count, decimal, duration, percent, signed } from '$lib/shared/format';
import * as m from '$messages';

export type Unit =
  'days' | 'working_days' | 'minutes' | 'share' | 'people' | 'person_days' | 'points' | 'times' | 'gain';

const DAY = 86_400;
const MINUTE = 60;

/** A value with its unit. */
export function say(value: number, unit: Unit): string {
  switch (unit) {
    case 'days':
      return duration(value * DAY);
    case 'working_days':
      return m.insights_working_days({ days: decimal(value) });
    case 'minutes':
      // From five minutes on the seconds are noise.
      return duration((value < 5 ? value : Math.round(value)) * MINUTE);
    case 'share':
      return percent(value);
    case 'people':
      return count(value);
    case 'person_days':
      return m.insights_person_days({ days: decimal(value) });
    case 'times':
      return decimal(value);
    case 'points':
      return signed(value);
    case 'gain': {
      const time = duration(Math.abs(value) * DAY);
      return value < 0 ? m.insights_later({ time }) : m.insights_sooner({ time });
    }
  }
}

/** "3 d – 6 d", "at least 3 d"; nothing where it is exact, or where neither end can be told. */
export function interval(ci: readonly [number | null, number | null], unit: Unit): string | null {
  const [low, high] = ci;
  if (low !== null && high !== null) {
    return low === high ? null : m.insights_between({ low: say(low, unit), high: say(high, unit) });
  }
  if (low !== null) return m.insights_at_least({ low: say(low, unit) });
  return high === null ? null : m.insights_at_most({ high: say(high, unit) });
}

export interface Shown {
  /** The value for programs; nothing where there is none. */
  value: number | null;
  /** The value, or in a few words why there is none. */
  text: string;
  interval: string | null;
  /** How many it is about. */
  n: number | null;
  /** Why there is no value, in a sentence. */
  why: string | null;
}

export function shown(kpi: Kpi, unit: Unit): Shown {
  switch (kpi.answer) {
    case 'known':
      return {
        value: kpi.value,
        text: say(kpi.value, unit),
        interval: interval(kpi.ci, unit),
        n: kpi.n,
        why: null,
      };
    case 'not_reached':
      return {
        value: null,
        text: m.insights_not_reached(),
        interval: interval(kpi.ci, unit),
        n: kpi.n,
        why: m.insights_not_reached_why(),
      };
    case 'not_enough':
      return {
        value: null,
        text: m.insights_not_enough(),
        interval: null,
        n: null,
        why: m.insights_not_enough_why(),
      };
    case 'suppressed':
      return {
        value: null,
        text: m.insights_suppressed(),
        interval: null,
        n: null,
        why: m.insights_suppressed_why(),
      };
  }
}

/** The value, if there is one. */
export function valueOf(kpi: Kpi): number | null {
  return kpi.answer === 'known' ? kpi.value : null;
}
