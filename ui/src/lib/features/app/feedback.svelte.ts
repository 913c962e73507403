// What somebody thinks, wherever they are. A draft stays until it is sent: closing is not throwing away.
import type { FeedbackAbout, FeedbackGiven, SurveyReach, SurveysView } from '$lib/contract';
import type { Platform } from '$lib/platform/index';
import { Action, Loader } from '$lib/shared/async.svelte';
import type { Route } from './router.svelte';

/** As many characters as the core takes. */
export const LONGEST = 2000;

export class Feedback {
  text = $state('');
  name = $state('');
  /** Whether it is said where the person was. */
  placed = $state(true);
  /** Where it went, once it did. */
  sent = $state<SurveyReach | null>(null);
  readonly sending = new Action();
  /** Who reads it, and where it goes. */
  readonly known: Loader<SurveysView>;
  readonly #call: Platform['call'];

  constructor(call: Platform['call']) {
    this.#call = call;
    this.known = new Loader(() => call('surveys', {}));
  }

  /** Begins: who reads it may be another by now. */
  open(): void {
    this.sent = null;
    this.sending.error = null;
    void this.known.load();
  }

  async send(about: FeedbackAbout): Promise<boolean> {
    const [text, name] = [this.text.trim(), this.name.trim()];
    if (text === '') return false;
    const given: FeedbackGiven = { text, ...(name ? { name } : {}), ...(this.placed ? { about } : {}) };
    return this.sending.run(async () => {
      this.sent = (await this.#call('give_feedback', given)).reach;
      this.text = '';
    });
  }
}

/** Where somebody is, as far as it can be said of feedback. */
export function place(route: Route): FeedbackAbout {
  switch (route.name) {
    case 'step':
      return { about: 'step', step: route.step };
    case 'doc':
      return { about: 'screen', screen: 'docs' };
    case 'first-light':
      return { about: 'screen', screen: 'first_light' };
    default:
      return { about: 'screen', screen: route.name };
  }
}
