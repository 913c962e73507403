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
  readonly saying = new Action();
  /** What would be set, while the person looks at it. */
  plan = $state.raw<FixView | null>(null);
  /** Whether that had changed when the person agreed; the plan shown is the new one. */
  stale = $state(false);
  /** What was done last. */
  did = $state<'set' | 'undone' | null>(null);
  /** Whether the plan goes by the file the person chose. */
  #chosen = false;
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

  /** Whether the person may say that administrator rights are theirs, or has said so. */
  get administratorIsAsked(): boolean {
    if (this.#session.settings.administrator) return true;
    if (this.found.state.kind !== 'ready') return false;
    return this.found.state.value.findings.some(({ id, level }) => id === 'admin' && level === 'warn');
  }

  async look(): Promise<void> {
    await this.#planned(() => this.#session.call('plan_fix', { chosen_certificates: false }), false);
  }

  /** Goes by a file of certificates instead of the machine's store; the system's dialog asks which. */
  async choose(): Promise<void> {
    await this.#planned(() => this.#session.call('choose_certificates', {}), true);
  }

  /** Keeps whether the person may give administrator rights, and looks at the machine again. */
  async sayAdministrator(administrator: boolean): Promise<void> {
    const said = await this.saying.run(() =>
      this.#session.save({ ...this.#session.settings, administrator }),
    );
    if (said) await this.found.load();
  }

  async #planned(ask: () => Promise<FixView | null>, chosen: boolean): Promise<void> {
    this.stale = false;
    this.setting.error = null;
    await this.planning.run(async () => {
      const plan = await ask();
      if (plan === null) return;
      this.plan = plan;
      this.#chosen = chosen;
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
        this.plan = await this.#session.call('plan_fix', { chosen_certificates: this.#chosen });
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
