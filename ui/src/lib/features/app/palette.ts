// What the palette offers, and which of it fits what was typed.

export interface Entry {
  id: string;
  /** What is found and shown. */
  words: string;
  /** Of which kind it is: a screen, a step, something to do. */
  group: string;
  act: () => void;
}

/** Entries that hold every typed word at the start of one of theirs come first, then those that hold it anywhere. */
export function find(entries: readonly Entry[], typed: string): Entry[] {
  const wanted = fold(typed).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...entries];
  const rank = (entry: Entry): number => {
    const words = fold(entry.words);
    if (!wanted.every((word) => words.includes(word))) return 2;
    const starts = words.split(/[^\p{L}\p{N}]+/u);
    return wanted.every((word) => starts.some((start) => start.startsWith(word))) ? 0 : 1;
  };
  return entries
    .map((entry) => ({ entry, rank: rank(entry) }))
    .filter(({ rank: found }) => found < 2)
    .sort((a, b) => a.rank - b.rank)
    .map(({ entry }) => entry);
}

/** Without case and accents: who types "uber" means "Über". */
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();
}
