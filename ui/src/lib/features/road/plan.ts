// What a plan says in one sentence, and in groups.
import type { Asks, Outcome, PlannedStepView, PlanView } from '$lib/contract';
import * as m from '$messages';

export interface Summary {
  /** The title of the step that stops the clock. */
  value: string;
  /** Steps that lead to it, itself included. */
  steps: number;
  /** Those the machine does. */
  automatic: number;
  /** Steps that come after, or beside. */
  later: number;
  /** Whether nothing is left to do for it. */
  reached: boolean;
}

export function summarise(plan: PlanView): Summary {
  const road = roadTo(plan.first_value, plan.steps);
  return {
    value: plan.steps.find((step) => step.id === plan.first_value)?.title ?? plan.first_value,
    steps: road.length,
    automatic: road.filter((step) => step.class === 'task').length,
    later: plan.steps.length - road.length,
    reached: road.length > 0 && road.every((step) => step.outcome === 'ok'),
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
    [asks.credentials, m.asks_credentials],
    [asks.actions, m.asks_actions],
    [asks.requests, m.asks_requests],
  ];
  return said.filter(([count]) => count > 0).map(([count, say]) => say({ count }));
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
