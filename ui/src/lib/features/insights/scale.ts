// From what is told to pixels. Not from d3-scale: it brings colours, whose code changes prototypes and ends where those are
// frozen, as they are in the window.

/** Spreads `[0, last]` evenly over the pixels from one to another; `last` is above nothing. */
export function linear(last: number, [from, to]: readonly [number, number]): (value: number) => number {
  return (value) => from + (value / last) * (to - from);
}
