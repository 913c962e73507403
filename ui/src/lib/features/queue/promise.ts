// What was promised to somebody, and how that stands.
import type { QueuedRequest } from '$lib/contract';
import { duration, moment } from '$lib/shared/format';
import * as m from '$messages';

export interface Promised {
  /** Nothing where it does not matter any more. */
  words: string | null;
  /** Whether it was not kept. */
  late: boolean;
}

/** How it stands at a moment, in milliseconds. */
export function promised(request: QueuedRequest, now: number): Promised {
  const { due_at: due, sla, state, promise } = request;
  if (due === undefined) {
    return { words: sla === undefined ? m.queue_no_promise() : m.queue_promise_unread({ sla }), late: false };
  }
  if (state !== 'open') {
    if (promise === 'met') return { words: m.queue_kept(), late: false };
    // What was withdrawn in time kept nobody waiting.
    return promise === 'breached' ? { words: m.queue_not_kept(), late: true } : { words: null, late: false };
  }
  const left = Math.round((new Date(due).getTime() - now) / 1000);
  const at = moment(due, now);
  return left >= 0
    ? { words: m.queue_left({ left: duration(left), at }), late: false }
    : { words: m.queue_past_due({ since: duration(-left), at }), late: true };
}
