// Whom the Insights page asks. It runs in two places: a hub's own page asks over HTTP (`hub.ts`), the window through the
// core. Both are asked the same closed set of questions, and neither is ever given an address.
import type { InsightsAnswer, InsightsQuestion } from '$lib/contract';
import type { Platform } from './index';

export type Asked = InsightsQuestion['question'];
export type Question<K extends Asked = Asked> = Extract<InsightsQuestion, { question: K }>;
export type Answer<K extends Asked = Asked> = Extract<InsightsAnswer, { question: K }>['answer'];

export interface Source {
  /** Asks. Rejects with an `ErrorBody`. */
  ask<K extends Asked>(question: Question<K>): Promise<Answer<K>>;
  /** Keeps the answer as a table where the person likes: the hub's own CSV. Rejects with an `ErrorBody`. */
  save(question: Question): Promise<void>;
}

/** The window's source: the core asks the hub, and writes tables where the system's dialog says. */
export function throughCore(call: Platform['call']): Source {
  return {
    async ask<K extends Asked>(question: Question<K>): Promise<Answer<K>> {
      const told = await call('insights', question);
      // The core answers the question it was asked.
      return told.answer as Answer<K>;
    },
    async save(question: Question): Promise<void> {
      await call('save_insights', question);
    },
  };
}
