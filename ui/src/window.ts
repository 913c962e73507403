// The screens, on a core that may have been asked already.
import { mount } from 'svelte';
import type { Launch } from '$lib/contract';
import { Session } from '$lib/features/app/session.svelte';
import type { Platform } from '$lib/platform/index';
import App from './App.svelte';
import { later } from './later';

/** Milliseconds the core may take before its absence is shown. Mostly it answers sooner, and one drawing is enough. */
const SOON = 100;

/** Draws the window once the core answered, or soon. */
export async function open(platform: Platform, launching: Promise<Launch>): Promise<void> {
  const session = new Session(platform);
  const started = session.start(launching);
  await Promise.race([started, new Promise((resolve) => setTimeout(resolve, SOON))]);
  mount(App, { target: document.body, props: { session } });
  await started;
  // The first frame that shows the answer: what `cargo xtask bench` measures.
  requestAnimationFrame(() => {
    performance.mark('interactive');
    setTimeout(() => void later());
  });
}
