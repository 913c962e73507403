// The person's settings, applied to the document.
import type { Settings } from '$lib/contract';
import { baseLocale, isLocale, setLocale, type Locale } from '$locale';

/** The language to speak: the chosen one, else the system's first that we have, else English. */
export function language(settings: Settings, system: readonly string[]): Locale {
  for (const wanted of [settings.language, ...system]) {
    const short = wanted.toLowerCase().split('-')[0];
    if (isLocale(short)) return short;
  }
  return baseLocale;
}

/** Puts theme, motion and language on the document and gives back the language. */
export function apply(settings: Settings, root: HTMLElement, system: readonly string[]): Locale {
  if (settings.theme === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = settings.theme;
  if (settings.reduce_motion) root.dataset['motion'] = 'less';
  else delete root.dataset['motion'];
  const locale = language(settings, system);
  root.lang = locale;
  void setLocale(locale, { reload: false });
  return locale;
}
