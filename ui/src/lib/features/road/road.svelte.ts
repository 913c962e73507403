import type { Choice, PlanView } from '$lib/contract';
import type { Session } from '$lib/features/app/session.svelte';
import { Action, Loader } from '$lib/shared/async.svelte';
import { toErrorBody } from '$lib/shared/failure';

/** From a plan that was shown to a run that was agreed to. */
export class Road {
  readonly plan: Loader<PlanView>;
  readonly starting = new Action();
  /** Whether what would be done had changed when the person agreed; the plan shown is the new one. */
  stale = $state(false);
  readonly #session: Session;
  readonly #choice: Choice;

  constructor(session: Session, choice: Choice) {
    this.#session = session;
    this.#choice = choice;
    this.plan = new Loader(() => session.call('make_plan', choice));
  }

  /** Starts what is on the screen; whether it did. */
  async start(): Promise<boolean> {
    const shown = this.plan.state;
    if (shown.kind !== 'ready') return false;
    let started = false;
    await this.starting.run(async () => {
      this.stale = false;
      try {
        await this.#session.startRun(this.#choice, shown.value.consent);
        started = true;
      } catch (thrown) {
        if (toErrorBody(thrown).code !== 'consent_stale') throw thrown;
        this.stale = true;
        await this.plan.load();
      }
    });
    return started;
  }
}
