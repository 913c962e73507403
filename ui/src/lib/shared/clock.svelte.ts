import { createSubscriber } from 'svelte/reactivity';

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, 1000);
  return () => clearInterval(timer);
});

/** The present moment in milliseconds; whoever reads it in an effect or a template sees it move each second. */
export function now(): number {
  subscribe();
  return Date.now();
}
