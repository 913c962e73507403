// What others wait for: looked at, and answered one at a time. Who sent an answer sees what became of it in its place.
import type { ErrorBody, QueuedRequest, RequestQueue, RequestReply } from '$lib/contract';
import type { Desk, Wanted } from '$lib/platform/hub';
import { Action, Loader } from '$lib/shared/async.svelte';
import { isClosed, Memory, type Told } from '$lib/shared/told';

/** An answer that is being written. */
export class Draft {
  readonly request: QueuedRequest;
  reply = $state<RequestReply>('done');
  words = $state('');
  by = $state('');
  /** Whether it was to be sent without saying why. */
  unsaid = $state(false);

  constructor(request: QueuedRequest) {
    this.request = request;
  }

  get isWhole(): boolean {
    return this.reply === 'done' || this.words.trim() !== '';
  }
}

export class Queue {
  readonly told: Loader<Told<RequestQueue>>;
  readonly sending = new Action();
  draft = $state.raw<Draft | null>(null);
  /** What was answered last. */
  answered = $state.raw<QueuedRequest | null>(null);
  #wanted: Wanted = { state: 'open', owner: null };
  readonly #desk: Desk;
  readonly #memory = new Memory<RequestQueue>();

  constructor(desk: Desk) {
    this.#desk = desk;
    this.told = new Loader(() => {
      const wanted = this.#wanted;
      return this.#memory.ask(JSON.stringify(wanted), () => this.#desk.queue(wanted));
    });
  }

  /** Looks at this from now on. */
  show(wanted: Wanted): void {
    this.#wanted = wanted;
    this.leave();
    this.answered = null;
    void this.told.load();
  }

  /** Begins an answer; one that was begun before is dropped. */
  begin(request: QueuedRequest): void {
    this.sending.error = null;
    this.draft = new Draft(request);
  }

  leave(): void {
    this.sending.error = null;
    this.draft = null;
  }

  /** Sends the answer; whether it is there. */
  async send(): Promise<boolean> {
    const { draft } = this;
    if (!draft) return false;
    draft.unsaid = !draft.isWhole;
    if (draft.unsaid) return false;
    const [words, by] = [draft.words.trim(), draft.by.trim()];
    const sent = await this.sending.run(async () => {
      const request = await this.#desk.answer(draft.request.id, {
        reply: draft.reply,
        ...(words === '' ? {} : { words }),
        ...(by === '' ? {} : { by }),
      });
      this.#put(request);
    });
    if (sent) this.draft = null;
    return sent;
  }

  /** Stays in its place: whoever looked away finds it where it was. */
  #put(request: QueuedRequest): void {
    this.answered = request;
    const { state } = this.told;
    if (state.kind !== 'ready') return;
    const { answer } = state.value;
    const requests = answer.requests.map((one) => (one.id === request.id ? request : one));
    this.told.set({ ...state.value, answer: { ...answer, requests } });
  }

  /** Whose requests are in it, and whose is looked at. */
  get owners(): string[] {
    const { state } = this.told;
    const there = state.kind === 'ready' ? state.value.answer.requests.map(({ owner }) => owner) : [];
    const { owner } = this.#wanted;
    const owners = owner === null ? there : [owner, ...there];
    return owners.filter((one, place) => owners.indexOf(one) === place).sort();
  }

  /** Why nothing at all is told, if so. */
  get closed(): ErrorBody | null {
    const { state } = this.told;
    return state.kind === 'failed' && isClosed(state.error) ? state.error : null;
  }
}
