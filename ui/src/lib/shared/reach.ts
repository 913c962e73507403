// What becomes of answers, by where they go.
import type { SurveyReach } from '$lib/contract';
import * as m from '$messages';

/** Said before they are sent, where they are not sent at once. */
export function keptWords(reach: SurveyReach): string | null {
  switch (reach) {
    case 'stays_here':
      return m.reach_stays_here();
    case 'waits_for_hub':
      return m.reach_waits_for_hub();
    case 'leaves':
      return null;
  }
}

/** Said once they were given. */
export function sentWords(reach: SurveyReach): string {
  switch (reach) {
    case 'stays_here':
      return m.given_stays_here();
    case 'waits_for_hub':
      return m.given_waits_for_hub();
    case 'leaves':
      return m.given_leaves();
  }
}
