import type { StepActs } from '$lib/shared/StepControls.svelte';
import type { Session } from './session.svelte';

/** What the controls of a step ask for, asked of the core. */
export function stepActs(session: Session): StepActs {
  return {
    retry: (step) => session.retry(step),
    complete: (step) => session.complete(step),
    open: (step) => session.openLink(step),
    store: (name, value) => session.storeCredential(name, value),
    generate: (name) => session.generateCredential(name),
  };
}
