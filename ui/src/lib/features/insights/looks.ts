// How series are told apart: colour and dashes, so that neither is needed alone.

export interface Look {
  colour: string;
  /** Of the line; solid without. */
  dash: string | undefined;
}

const LOOKS: readonly Look[] = [
  { colour: 'var(--series-1)', dash: undefined },
  { colour: 'var(--series-2)', dash: '8 4' },
  { colour: 'var(--series-3)', dash: '2 4' },
  { colour: 'var(--series-4)', dash: '12 4 2 4' },
  { colour: 'var(--series-5)', dash: '16 6' },
  { colour: 'var(--series-6)', dash: '6 3 2 3 2 3' },
];

/** More lines than this in one picture cannot be told apart. */
export const MOST = LOOKS.length;

export function look(index: number): Look {
  return LOOKS[index % MOST] as Look;
}
