import type * as Screens from './screens';

/**
 * The screens that nobody sees first. They lie in the app itself, but the first one is drawn sooner without them; they
 * are fetched right after it (`window.ts`), so that none is waited for when it is opened.
 */
export const later = (): Promise<typeof Screens> => import('./screens');
