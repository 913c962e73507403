// What Today shows, derived from the journey.
import type { JourneyView, RequestAnswer, RequestView, StepView } from '$lib/contract';
import { isDone } from '$lib/shared/step';

export type RunningStep = Extract<StepView, { state: 'running' }>;
export type WaitingStep = Extract<StepView, { state: 'waiting' }>;

export interface AnsweredStep {
  step: StepView;
  request: RequestView & { answer: RequestAnswer };
}

/** More than these nobody reads here. */
const MOST_ANSWERS = 5;

export interface Today {
  done: number;
  total: number;
  /** The longest road still to walk to first value, in seconds, if every step on it has an estimate. */
  left: number | null;
  running: RunningStep[];
  /** Waiting for somebody else, beside the next thing. */
  waiting: WaitingStep[];
  /** What others answered, the newest first. */
  answered: AnsweredStep[];
  failed: StepView[];
  /** Did not come to hold, and nothing waits for them. */
  bestEffort: StepView[];
  /** Done, and no longer as they were left. */
  drifted: StepView[];
  /** Nothing is left that counts, in any stage. */
  finished: boolean;
}

export function today(journey: JourneyView): Today {
  const { steps } = journey;
  const done = steps.filter(isDone).length;
  return {
    done,
    total: steps.length,
    left: remaining(journey),
    running: steps.filter((step): step is StepView & RunningStep => step.state === 'running'),
    waiting: steps.filter(
      (step): step is StepView & WaitingStep =>
        step.state === 'waiting' && step.waiting_for !== 'you' && step.id !== journey.next?.step,
    ),
    answered: answered(steps),
    failed: steps.filter((step) => step.state === 'failed'),
    bestEffort: steps.filter((step) => journey.best_effort.includes(step.id)),
    drifted: steps.filter((step) => step.drifted !== undefined),
    finished: steps.every((step) => isDone(step) || journey.best_effort.includes(step.id)),
  };
}

function answered(steps: StepView[]): AnsweredStep[] {
  const all = steps.flatMap((step) => {
    const { request } = step;
    return request?.answer ? [{ step, request: { ...request, answer: request.answer } }] : [];
  });
  const at = (one: AnsweredStep): number => Date.parse(one.request.answer.at);
  return all.sort((one, other) => at(other) - at(one)).slice(0, MOST_ANSWERS);
}

function remaining(journey: JourneyView): number | null {
  if (journey.reached_at !== undefined || journey.critical_path.length === 0) return null;
  let seconds = 0;
  for (const id of journey.critical_path) {
    const estimate = journey.steps.find((step) => step.id === id)?.estimate_seconds;
    if (estimate === undefined) return null;
    seconds += estimate;
  }
  return seconds;
}

/** The step whose log is most worth reading: what runs, else what failed. */
export function loggedStep(view: Today): string | null {
  return view.running[0]?.id ?? view.failed[0]?.id ?? null;
}
