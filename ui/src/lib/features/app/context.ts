import { getContext, setContext } from 'svelte';
import type { Router } from './router.svelte';
import type { Session } from './session.svelte';

/** What every screen may ask for: what is known, and where to go. */
export interface App {
  session: Session;
  router: Router;
}

const KEY = Symbol('app');

export function provideApp(app: App): App {
  return setContext(KEY, app);
}

export function useApp(): App {
  return getContext<App>(KEY);
}
