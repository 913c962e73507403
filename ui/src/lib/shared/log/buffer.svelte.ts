// The lines of one step's log, as many as a window should hold. Lines arrive by the thousand; they are kept outside
// Svelte's reactivity, and `version` moves at most once a frame, so that nothing is rendered that no eye could see.
import { untrack } from 'svelte';
import type { ErrorBody, LogPage } from '$lib/contract';
import { toErrorBody } from '$lib/shared/failure';

/** How many lines stay in memory; older ones are still in the core's log file. */
export const KEPT = 200_000;
const PAGE = 2_000;

export type FetchLog = (first: number, count: number) => Promise<LogPage>;

export class LogBuffer {
  /** Moves when there is something new to see. Read it, then read the lines. */
  version = $state(0);
  loading = $state(false);
  error = $state.raw<ErrorBody | null>(null);
  /** Lines the core left out in the middle of a very long log. */
  dropped = $state(0);

  readonly #fetch: FetchLog;
  #lines: (string | undefined)[] = [];
  #start = 0;
  #frame = 0;
  #era = 0;

  constructor(fetch: FetchLog) {
    this.#fetch = fetch;
  }

  /** The number of the first line kept. */
  get start(): number {
    return this.#start;
  }

  /** One past the number of the last line. */
  get end(): number {
    return this.#start + this.#lines.length;
  }

  /** The line of that number; `undefined` if it is not here (yet). */
  line(number: number): string | undefined {
    return this.#lines[number - this.#start];
  }

  /** Lines just printed. A log that starts again at 0 is a new attempt. */
  append(first: number, lines: readonly string[]): void {
    if (first === 0 && this.end > 0) this.restart();
    this.#place(first, lines);
  }

  /** Puts lines in their places. Lines that were here already are the same ones, heard twice. */
  #place(first: number, lines: readonly string[]): void {
    let at = first - this.#start;
    for (const line of lines) {
      if (at >= 0) {
        while (this.#lines.length < at) this.#lines.push(undefined);
        this.#lines[at] = line;
      }
      at++;
    }
    const excess = this.#lines.length - KEPT;
    // Dropping is done a tenth at a time: moving the whole array for each line would be slow.
    if (excess > KEPT / 10) {
      this.#lines.splice(0, excess);
      this.#start += excess;
    }
    this.#soon();
  }

  /** Fetches what was written before anyone listened, page by page, past what is here already. */
  load(): Promise<void> {
    return untrack(() => this.#load());
  }

  async #load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    this.error = null;
    const era = this.#era;
    try {
      let next = 0;
      for (;;) {
        const page = await this.#fetch(next, PAGE);
        if (era !== this.#era) return;
        this.dropped = page.dropped;
        this.#place(page.first, page.lines);
        next = this.#firstMissing(page.first + page.lines.length);
        if (page.lines.length === 0 || next >= page.total) return;
      }
    } catch (thrown) {
      this.error = toErrorBody(thrown);
    } finally {
      this.loading = false;
    }
  }

  /** Forgets the lines: a new attempt begins, and its lines count from 0 again. */
  restart(): void {
    this.#era++;
    this.#lines = [];
    this.#start = 0;
    this.dropped = 0;
    this.#soon();
  }

  #firstMissing(from: number): number {
    let number = Math.max(from, this.#start);
    while (number < this.end && this.line(number) !== undefined) number++;
    return number;
  }

  #soon(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.version++;
    });
  }
}
