import type { DocHit } from '$lib/contract';
import type { Session } from '$lib/features/app/session.svelte';
import { Loader } from '$lib/shared/async.svelte';

/** How long typing rests before it is asked, in milliseconds. */
const REST = 120;

/** Something that can be looked for: a letter or a digit. */
const WORD = /[\p{L}\p{N}]/u;

/** Search as it is typed. What was found stays until the answer to what was typed after it is there. */
export class Search {
  typed = $state('');
  /** What the hits are of; `null` while nothing is looked for. */
  asked = $state<string | null>(null);
  readonly found: Loader<DocHit[]>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: Session) {
    this.found = new Loader(async () => {
      const { hits } = await session.call('search_docs', { words: this.asked ?? '' });
      return hits;
    });
  }

  type(text: string): void {
    this.typed = text;
    clearTimeout(this.#timer);
    if (!WORD.test(text)) this.asked = null;
    else this.#timer = setTimeout(() => void this.look(), REST);
  }

  /** Asks for what is typed now. */
  async look(): Promise<void> {
    clearTimeout(this.#timer);
    if (!WORD.test(this.typed)) return;
    this.asked = this.typed;
    await this.found.load();
  }

  clear(): void {
    this.type('');
  }
}
