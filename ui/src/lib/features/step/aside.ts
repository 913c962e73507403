import type { StepView } from '$lib/contract';
import { sentence } from '$lib/shared/format';
import { actFor } from '$lib/shared/step';
import * as m from '$messages';

/** The reason a state carries, where no other part of the screen says it. */
export function aside(step: StepView): string | null {
  if (step.drifted !== undefined) return m.step_drifted({ what: step.drifted });
  switch (step.state) {
    case 'blocked':
    case 'unknown':
      // What can be tried again says so beside its button.
      return actFor(step) === 'retry' ? null : step.reason === undefined ? null : sentence(step.reason);
    case 'skipped':
      return sentence(step.reason);
    case 'pending':
    case 'ready':
    case 'running':
    case 'satisfied':
    case 'changed':
    case 'failed':
    case 'waiting':
    case 'undone':
      return null;
  }
}
