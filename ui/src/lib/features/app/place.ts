import type { FeedbackAbout, ScreenName } from '$lib/contract';
import * as m from '$messages';

/** Where somebody was, in words. */
export function placeWord(about: FeedbackAbout, titleOf: (step: string) => string | undefined): string {
  return about.about === 'step' ? (titleOf(about.step) ?? about.step) : screenWord(about.screen);
}

function screenWord(screen: ScreenName): string {
  switch (screen) {
    case 'welcome':
      return m.screen_welcome();
    case 'road':
      return m.screen_road();
    case 'today':
      return m.screen_today();
    case 'first_light':
      return m.screen_first_light();
    case 'docs':
      return m.screen_docs();
    case 'projects':
      return m.screen_projects();
    case 'credentials':
      return m.screen_credentials();
    case 'privacy':
      return m.screen_privacy();
    case 'insights':
      return m.screen_insights();
    case 'settings':
      return m.screen_settings();
  }
}
