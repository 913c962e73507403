import { getContext, setContext } from 'svelte';

/** What a pack's text may lead to inside the app. Without it, links are words and pictures their descriptions. */
export interface Reading {
  /** Where a picture of the pack is loaded from. */
  image: (path: string) => string;
  /** Opens a document, at a heading. */
  document: (document: string, anchor?: string) => void;
  /** What opens a step; `null` where this checklist has no such step. */
  step: (step: string) => (() => void) | null;
}

/** The addresses out of the app that a text may open, through the core; any other is only shown. */
export interface Outside {
  opens: (url: string) => boolean;
  open: (url: string) => void;
}

const READING = Symbol('reading');
const OUTSIDE = Symbol('outside');

export function provideReading(reading: Reading): void {
  setContext(READING, reading);
}

export function getReading(): Reading | undefined {
  return getContext<Reading | undefined>(READING);
}

export function provideOutside(outside: Outside): void {
  setContext(OUTSIDE, outside);
}

export function getOutside(): Outside | undefined {
  return getContext<Outside | undefined>(OUTSIDE);
}

/** The id of a heading in the page: none of the app's own. */
export const headingId = (anchor: string): string => `doc-${anchor}`;
