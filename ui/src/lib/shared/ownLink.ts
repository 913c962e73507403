import { getContext, setContext } from 'svelte';

/** The one address that the text of a step may open: the step's own, through the core. */
export interface OwnLink {
  url: () => string | undefined;
  open: () => void;
}

const KEY = Symbol('own link');

export function provideOwnLink(link: OwnLink): void {
  setContext(KEY, link);
}

export function getOwnLink(): OwnLink | undefined {
  return getContext<OwnLink | undefined>(KEY);
}
