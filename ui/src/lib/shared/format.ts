// Numbers as people say them, in the person's language and zone.
import { getLocale } from '$locale';
import * as m from '$messages';

/** The language being spoken, as the person's own region writes it where the system names one. */
function region(): string {
  const locale = getLocale();
  return navigator.languages.find((one) => one.split('-')[0] === locale) ?? locale;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Whole seconds as "42 s", "1 min 12 s", "3 h 12 min", "2 d 4 h": the two largest units, never more. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return m.unit_seconds({ count: whole });
  if (whole < HOUR) return two(m.unit_minutes, whole / MINUTE, m.unit_seconds, whole % MINUTE);
  // From an hour on the seconds are noise; round before splitting so that 59 min 59 s does not become "0 h 60 min".
  const minutes = Math.round(whole / MINUTE);
  if (minutes < DAY / MINUTE) return two(m.unit_hours, minutes / 60, m.unit_minutes, minutes % 60);
  const hours = Math.round(whole / HOUR);
  return two(m.unit_days, hours / 24, m.unit_hours, hours % 24);
}

type Unit = (inputs: { count: number }) => string;

function two(large: Unit, largeCount: number, small: Unit, smallCount: number): string {
  const first = large({ count: Math.floor(largeCount) });
  return smallCount === 0 ? first : `${first} ${small({ count: smallCount })}`;
}

/** An estimate: "about 40 min", to the minute from one minute on, since more would pretend to know. */
export function about(seconds: number): string {
  const rounded = seconds < MINUTE ? seconds : Math.round(seconds / MINUTE) * MINUTE;
  return m.about({ duration: duration(rounded) });
}

/** "14:05" today, "20 Nov, 14:05" on another day, with the year when it is another year. */
export function moment(iso: string, now: number = Date.now()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const today = new Date(now);
  const sameYear = date.getFullYear() === today.getFullYear();
  const sameDay = sameYear && date.getMonth() === today.getMonth() && date.getDate() === today.getDate();
  return new Intl.DateTimeFormat(region(), {
    hour: '2-digit',
    minute: '2-digit',
    ...(sameDay ? {} : { day: 'numeric', month: 'short' }),
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(date);
}

/** "20 November 2026". */
export function day(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return new Intl.DateTimeFormat(region(), { dateStyle: 'long' }).format(date);
}

/** Seconds from `iso` to `now`, never negative. */
export function secondsSince(iso: string, now: number): number {
  return Math.max(0, Math.floor((now - new Date(iso).getTime()) / 1000));
}

/** "a, b and c". */
export function list(items: readonly string[]): string {
  return new Intl.ListFormat(region(), { type: 'conjunction' }).format(items);
}

/** "1,234". */
export function count(value: number): string {
  return new Intl.NumberFormat(region()).format(value);
}

/** "84 MB", "1.4 MB": never less than it is, and a digit more where there is only one. */
export function size(bytes: number): string {
  const [unit, divisor] =
    bytes < 1e6 ? ['kilobyte', 1e3] : bytes < 1e9 ? ['megabyte', 1e6] : ['gigabyte', 1e9];
  const value = bytes / (divisor as number);
  const parts = value < 10 && bytes >= 1e6 ? 10 : 1;
  const shown = Math.ceil(value * parts) / parts;
  return new Intl.NumberFormat(region(), { style: 'unit', unit: unit as string }).format(shown);
}

/** Words of the core as a sentence of their own: "no network" is said as "No network." */
export function sentence(words: string): string {
  const [first = '', ...rest] = words;
  const ended = /[.!?…:]$/.test(words);
  return first.toLocaleUpperCase(region()) + rest.join('') + (ended || words === '' ? '' : '.');
}

/** "73 %", "7.5 %": a digit more below ten. */
export function percent(share: number): string {
  const digits = Math.abs(share) < 0.0995 || share > 0.99 ? 1 : 0;
  return new Intl.NumberFormat(region(), { style: 'percent', maximumFractionDigits: digits }).format(share);
}

/** "0.42", "4.2", "42": two digits say enough. */
export function decimal(value: number): string {
  const digits = value < 1 ? 2 : value < 10 ? 1 : 0;
  return new Intl.NumberFormat(region(), { maximumFractionDigits: digits }).format(value);
}

/** "+33", "−5": a score that may lie on either side of zero. */
export function signed(value: number): string {
  return new Intl.NumberFormat(region(), { signDisplay: 'exceptZero', maximumFractionDigits: 0 }).format(
    value,
  );
}

/** "20 Nov": a calendar day (`2026-11-20`), which has no zone of its own. */
export function shortDay(iso: string): string {
  const date = new Date(`${iso}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return iso;
  return new Intl.DateTimeFormat(region(), { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(date);
}
