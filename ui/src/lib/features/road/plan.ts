// What a plan says in one sentence, and in groups.
import type { Asks, Outcome, PlannedStepView, PlanView } from '$lib/contract';
import { size } from '$lib/shared/format';
import * as m from '$messages';

export interface Summary {
  /** The title of the step that stops the clock. */
  value: string;
  /** Steps still to be taken to it, itself included: like the estimate, without what is already fine. */
  steps: number;
  /** Those the machine does. */
  automatic: number;
  /** Steps still to be taken after it, or beside it. */
  later: number;
  /** Whether nothing is left to do for it. */
  reached: boolean;
}

export function summarise(plan: PlanView): Summary {
  const road = roadTo(plan.first_value, plan.steps);
  const open = road.filter((step) => step.outcome !== 'ok');
  return {
    value: plan.steps.find((step) => step.id === plan.first_value)?.title ?? plan.first_value,
    steps: open.length,
    automatic: open.filter((step) => step.class === 'task').length,
    later: plan.steps.filter((step) => step.outcome !== 'ok' && !road.includes(step)).length,
    reached: road.length > 0 && open.length === 0,
  };
}

/** The step and everything it needs, directly or not. */
function roadTo(id: string, steps: readonly PlannedStepView[]): PlannedStepView[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const seen = new Set<string>();
  const open = [id];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const step = byId.get(next);
    if (!step || seen.has(next)) continue;
    seen.add(next);
    open.push(...step.needs);
  }
  return steps.filter((step) => seen.has(step.id));
}

/** What the person will be asked for, in words; empty if nothing. */
export function asked(asks: Asks): string[] {
  const said: [number, (inputs: { count: number }) => string][] = [
    [asks.elevations, m.asks_elevations],
    [asks.restarts, m.asks_restarts],
    [asks.credentials, m.asks_credentials],
    [asks.actions, m.asks_actions],
    [asks.requests, m.asks_requests],
  ];
  return said.filter(([count]) => count > 0).map(([count, say]) => say({ count }));
}

/** What would be fetched, in sentences; empty if nothing is known to be. */
export function downloads(plan: PlanView): string[] {
  const said: string[] = [];
  // Of a step that waits for another nobody knows yet.
  const say = plan.summary.unknown > 0 ? m.road_downloads_at_least : m.road_downloads;
  if (plan.download_bytes > 0) said.push(say({ size: size(plan.download_bytes) }));
  if (plan.downloads_unknown > 0) said.push(m.road_downloads_unknown({ count: plan.downloads_unknown }));
  return said;
}

export interface Group {
  outcome: Outcome;
  steps: PlannedStepView[];
}

/** In the order in which they are shown. What is empty is shown as empty, except that nothing need be blocked. */
export function groups(plan: PlanView): Group[] {
  const order: Outcome[] = ['will_change', 'ok', 'unknown', 'blocked'];
  return order
    .map((outcome) => ({ outcome, steps: plan.steps.filter((step) => step.outcome === outcome) }))
    .filter(({ outcome, steps }) => outcome !== 'blocked' || steps.length > 0);
}
