import type { HelpBundle } from '$lib/contract';
import type { Session } from '$lib/features/app/session.svelte';
import { Action, Loader } from '$lib/shared/async.svelte';

/** From a text that was read to a text that was handed over: never before it is on the screen. */
export class Help {
  readonly bundle: Loader<HelpBundle>;
  readonly copying = new Action();
  readonly saving = new Action();
  copied = $state(false);
  /** Where it was written. */
  saved = $state<string | null>(null);
  readonly #session: Session;

  constructor(session: Session, step: string) {
    this.#session = session;
    this.bundle = new Loader(() => session.call('help_bundle', { step }));
  }

  get text(): string | null {
    return this.bundle.state.kind === 'ready' ? this.bundle.state.value.text : null;
  }

  async copy(): Promise<void> {
    const { text } = this;
    if (text === null) return;
    this.copied = await this.copying.run(() => navigator.clipboard.writeText(text));
  }

  /** The core writes what it gave last: a text does not come back from the window. */
  async save(): Promise<void> {
    if (this.text === null) return;
    await this.saving.run(async () => {
      this.saved = await this.#session.call('save_help_bundle', {});
    });
  }
}
