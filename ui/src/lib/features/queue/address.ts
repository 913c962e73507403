// What of the queue is looked at, as it stands in the page's address.
import type { Wanted } from '$lib/platform/hub';

/** What an address says; whatever else is in it is not ours. */
export function read(search: string): Wanted {
  const asked = new URLSearchParams(search);
  return { state: asked.get('state') === 'all' ? 'all' : 'open', owner: asked.get('owner') || null };
}

/** As an address; nothing where nothing was chosen. */
export function write({ state, owner }: Wanted): string {
  const said = new URLSearchParams();
  if (state === 'all') said.set('state', state);
  if (owner !== null) said.set('owner', owner);
  const query = said.toString();
  return query === '' ? '' : `?${query}`;
}
