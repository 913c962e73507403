// Answers of somewhere else. While it cannot be reached, the last answer to the same question stands, and says so.
import type { Code, ErrorBody } from '$lib/contract';
import { toErrorBody } from './failure';

/** An answer; while nobody answers, the last one to the same question, and why there is no newer one. */
export interface Told<T> {
  answer: T;
  /** When it was asked for, in milliseconds. */
  at: number;
  problem: ErrorBody | null;
}

/** Remembers what was told; in memory only: what is about people is kept on no disk. */
export class Memory<T> {
  readonly #last = new Map<string, Told<T>>();

  /** Asks; `key` tells questions apart. Rejects with an `ErrorBody`. */
  async ask(key: string, question: () => Promise<T>): Promise<Told<T>> {
    try {
      const told = { answer: await question(), at: Date.now(), problem: null };
      this.#last.set(key, told);
      return told;
    } catch (thrown) {
      const problem = toErrorBody(thrown);
      const last = this.#last.get(key);
      if (last && problem.code === 'network') return { ...last, problem };
      throw problem;
    }
  }
}

/** Nobody is told anything: there is no hub, or it does not know who asks. */
const NOBODY: readonly Code[] = ['no_hub', 'hub_no_access', 'hub_forbidden'];

export function isClosed(error: ErrorBody): boolean {
  return NOBODY.includes(error.code);
}
