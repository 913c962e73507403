const PLAIN = /^[\w@%+=:,./~^-]+$/;

/** Arguments as they must be told apart by a reader: whatever is not plainly one word is put in quotes. */
export function words(argv: readonly string[]): string[] {
  return argv.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
}
