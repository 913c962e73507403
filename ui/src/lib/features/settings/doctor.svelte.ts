import type { DoctorView, FixView } from '$lib/contract';
import type { Session } from '$lib/features/app/session.svelte';
import { Action, Loader } from '$lib/shared/async.svelte';
import { toErrorBody } from '$lib/shared/failure';

/** What the doctor finds, what it would set, and taking that back. Nothing is set that was not on the screen. */
export class Doctor {
  readonly found: Loader<DoctorView>;
  readonly planning = new Action();
  readonly setting = new Action();
  readonly undoing = new Action();
  /** What would be set, while the person looks at it. */
  plan = $state.raw<FixView | null>(null);
  /** Whether that had changed when the person agreed; the plan shown is the new one. */
  stale = $state(false);
  /** What was done last. */
  did = $state<'set' | 'undone' | null>(null);
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.found = new Loader(() => session.call('doctor', {}));
  }

  /** The tools for which something would be set, by name. */
  get tools(): string[] {
    if (this.found.state.kind !== 'ready') return [];
    return this.found.state.value.findings.filter(({ can_fix }) => can_fix).map(({ title }) => title);
  }

  /** Whether there is something to agree to. */
  get wanted(): boolean {
    return this.plan !== null && this.plan.plan.summary.will_change > 0;
  }

  async look(): Promise<void> {
    this.stale = false;
    this.setting.error = null;
    await this.planning.run(async () => {
      this.plan = await this.#session.call('plan_fix', {});
    });
  }

  close(): void {
    this.plan = null;
  }

  /** Sets what is on the screen; whether it did. */
  async agree(): Promise<boolean> {
    const shown = this.plan;
    if (shown === null) return false;
    return this.setting.run(async () => {
      this.stale = false;
      try {
        this.found.set(await this.#session.call('fix', { consent: shown.plan.consent }));
        this.did = 'set';
        this.plan = null;
      } catch (thrown) {
        if (toErrorBody(thrown).code !== 'consent_stale') throw thrown;
        this.plan = await this.#session.call('plan_fix', {});
        this.stale = true;
      }
    });
  }

  async undo(): Promise<void> {
    await this.undoing.run(async () => {
      this.found.set(await this.#session.call('undo_fix', {}));
      this.did = 'undone';
    });
  }
}
