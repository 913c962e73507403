import type { AppUpdateOffer, AppUpdateView, Code, UpdatedBy } from '$lib/contract';
import type { Session } from '$lib/features/app/session.svelte';
import { Action, Loader } from '$lib/shared/async.svelte';
import { moment } from '$lib/shared/format';
import * as m from '$messages';

/** The app's own updates: who brings them, whether there is one, and the person's yes. */
export class AppUpdate {
  readonly checking = new Action();
  readonly installing = new Action();
  readonly #session: Session;
  readonly #first: Loader<AppUpdateView>;

  constructor(session: Session) {
    this.#session = session;
    this.#first = new Loader(async () => (session.appUpdate = await session.call('app_update', {})));
  }

  load(): Promise<void> {
    return this.#first.load();
  }

  /** What is known; the core says by itself when that changes. */
  get view(): AppUpdateView | null {
    return this.#session.appUpdate;
  }

  get failed(): Loader<AppUpdateView>['state'] {
    return this.#first.state;
  }

  /** The newer version that can be agreed to. */
  get offer(): AppUpdateOffer | null {
    return this.view?.state.kind === 'available' ? this.view.state.offer : null;
  }

  /** Whether the person can ask: the app is the one to update itself, and nothing is on its way. */
  get canCheck(): boolean {
    const { by, state } = this.view ?? {};
    return by?.kind === 'itself' && state?.kind !== 'downloading' && state?.kind !== 'installed';
  }

  /** Whether a run is in the way of a yes. */
  get waits(): boolean {
    return this.#session.journey?.running ?? false;
  }

  /** When it was last asked, in words. */
  lastCheck(now: number = Date.now()): string {
    const at = this.view?.last_check;
    return at === undefined ? m.update_never() : m.update_checked({ when: moment(at, now) });
  }

  async check(): Promise<void> {
    await this.checking.run(async () => {
      this.#session.appUpdate = await this.#session.call('check_app_update', {});
    });
  }

  /** Agrees to what is on the screen. */
  async install(): Promise<void> {
    const { offer } = this;
    if (!offer || this.waits) return;
    await this.installing.run(async () => {
      this.#session.appUpdate = await this.#session.call('install_app_update', { version: offer.version });
    });
    // Why it was refused is what the core holds now; said once, in one place.
    if (this.view?.state.kind === 'refused') this.installing.error = null;
  }
}

/** Who brings newer versions, to somebody whose app does not. */
export function broughtBy(by: UpdatedBy): string | null {
  switch (by.kind) {
    case 'itself':
      return null;
    case 'packages':
      return m.update_by_packages({ manager: by.manager });
    case 'organisation':
      return m.update_by_organisation({ who: by.who });
    case 'administrator':
      return m.update_by_administrator({ place: by.place });
    case 'not_configured':
      return m.update_not_configured();
    case 'not_installed':
      return m.update_not_installed();
  }
}

/** What a refusal comes to for the person: nobody answers, it may come later, or something is wrong. */
export function refusedTitle(code: Code): string {
  switch (code) {
    case 'network':
      return m.update_offline();
    case 'update_slow':
    case 'update_incomplete':
    case 'update_other_platform':
      return m.update_later();
    case 'update_not_installed':
      return m.update_not_in_place();
    case 'update_forged':
    case 'update_wrong_key':
      return m.update_forged();
    case 'update_older':
    case 'update_replayed':
      return m.update_older();
    case 'update_wrong_version':
      return m.update_wrong_version();
    default:
      return m.update_refused();
  }
}
