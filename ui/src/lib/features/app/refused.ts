import type { Code } from '$lib/contract';
import * as m from '$messages';

/** What a refused release comes to for the person: time ran out, or something is wrong. */
export function refusedTitle(code: Code): string {
  switch (code) {
    case 'release_frozen':
    case 'release_expired':
      return m.release_expired();
    default:
      return m.release_refused();
  }
}
