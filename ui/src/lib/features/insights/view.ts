// What the page is looking at, as it stands in its address: a link shows somebody else the same.
import type { CurvesBy, InsightsFilter, TimeScale, ValueEvent } from '$lib/contract';

export type By = CurvesBy | 'all';
export type FilterName = keyof InsightsFilter;

export interface View {
  filter: InsightsFilter;
  /** Which curves stand beside each other. */
  by: By;
  /** Until what people are on their way. */
  value: ValueEvent;
  /** In which time that is told. */
  time: TimeScale;
  /** Which releases are compared; the last two without it. */
  before: string | null;
  after: string | null;
  /** The quarter whose answers are shown; the present one without it. */
  quarter: string | null;
}

export const FILTERS: readonly FilterName[] = ['persona', 'release', 'period', 'team'];
/** The hub combines two at most, and tells of a team only by itself. */
const MOST = 2;

/** What an address says; whatever else is in it is not ours. */
export function read(search: string): View {
  const asked = new URLSearchParams(search);
  const filter: InsightsFilter = {};
  for (const name of FILTERS) {
    const value = asked.get(name);
    if (value) filter[name] = value;
  }
  const by = asked.get('by');
  return {
    filter,
    by: isBy(by) ? by : 'persona',
    value: asked.get('value') === 'merged' ? 'merged' : 'first_value',
    time: asked.get('time') === 'business' ? 'business' : 'elapsed',
    before: asked.get('before') || null,
    after: asked.get('after') || null,
    quarter: asked.get('quarter') || null,
  };
}

function isBy(text: string | null): text is By {
  return text === 'persona' || text === 'release' || text === 'team' || text === 'all';
}

/** As an address; nothing where nothing was chosen. */
export function write(view: View): string {
  const said = new URLSearchParams();
  for (const name of FILTERS) {
    const value = view.filter[name];
    if (value) said.set(name, value);
  }
  if (view.by !== 'persona') said.set('by', view.by);
  if (view.value !== 'first_value') said.set('value', view.value);
  if (view.time !== 'elapsed') said.set('time', view.time);
  if (view.before) said.set('before', view.before);
  if (view.after) said.set('after', view.after);
  if (view.quarter) said.set('quarter', view.quarter);
  const query = said.toString();
  return query === '' ? '' : `?${query}`;
}

/** The same view about others; about everybody of that kind without a value. */
export function narrowed(view: View, name: FilterName, value: string): View {
  const { [name]: _, ...others } = view.filter;
  return { ...view, filter: value === '' ? others : { ...others, [name]: value } };
}

export function isNarrowed(view: View): boolean {
  return Object.keys(view.filter).length > 0;
}

/** Whether this filter cannot be set now, because two others are. */
export function isTaken(view: View, name: FilterName): boolean {
  if (view.filter[name] !== undefined) return false;
  const others = Object.keys(view.filter).length;
  return others >= MOST || view.filter.team !== undefined || (name === 'team' && others > 0);
}
