import type { LogBuffer } from './buffer.svelte';
import { plainText } from './ansi';

/** The numbers of the lines that hold a text. Follows a growing log without looking at a line twice. */
export class LogSearch {
  readonly matches: number[] = [];
  readonly #needle: string;
  #next = 0;

  constructor(needle: string) {
    this.#needle = needle.toLocaleLowerCase();
  }

  /** Looks at what is new. */
  advance(log: LogBuffer): void {
    if (log.end < this.#next) {
      this.matches.length = 0;
      this.#next = 0;
    }
    for (let number = Math.max(this.#next, log.start); number < log.end; number++) {
      const line = log.line(number);
      if (line !== undefined && plainText(line).toLocaleLowerCase().includes(this.#needle)) {
        this.matches.push(number);
      }
    }
    this.#next = log.end;
  }
}
