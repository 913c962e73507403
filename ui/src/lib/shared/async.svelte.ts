// Two shapes of waiting: a `Loader` for what a screen shows, an `Action` for what a person presses. Both end in an
// `ErrorBody` that can be shown, never in an unhandled rejection.
import { untrack } from 'svelte';
import type { ErrorBody } from '$lib/contract';
import { toErrorBody } from './failure';

export type Loaded<T> =
  { kind: 'loading' } | { kind: 'ready'; value: T } | { kind: 'failed'; error: ErrorBody };

/** Something to show. Loading again keeps the old value on the screen until the new one is there. */
export class Loader<T> {
  state = $state.raw<Loaded<T>>({ kind: 'loading' });
  refreshing = $state(false);
  #turn = 0;
  readonly #fetch: () => Promise<T>;

  constructor(fetch: () => Promise<T>) {
    this.#fetch = fetch;
  }

  load(): Promise<void> {
    // An effect may ask to load; it must not run again because loading moved what loading reads.
    return untrack(() => this.#load());
  }

  async #load(): Promise<void> {
    const turn = ++this.#turn;
    if (this.state.kind === 'failed') this.state = { kind: 'loading' };
    this.refreshing = true;
    let state: Loaded<T>;
    try {
      state = { kind: 'ready', value: await this.#fetch() };
    } catch (thrown) {
      state = { kind: 'failed', error: toErrorBody(thrown) };
    }
    // An answer that was overtaken by a later question is dropped.
    if (turn !== this.#turn) return;
    this.state = state;
    this.refreshing = false;
  }

  /** Replaces the value with one that a command gave back; an answer still under way is out of date. */
  set(value: T): void {
    this.#turn++;
    this.refreshing = false;
    this.state = { kind: 'ready', value };
  }
}

/** Something to do, once at a time. */
export class Action {
  busy = $state(false);
  error = $state.raw<ErrorBody | null>(null);

  /** Whether it went well. A second press while the first is under way does nothing. */
  async run(act: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.error = null;
    try {
      await act();
      return true;
    } catch (thrown) {
      this.error = toErrorBody(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
