/** Greetings, and how often each has been given since the service started. */

export type Language = "en" | "de" | "fr" | "es";

const WORDS: Record<Language, string> = {
  en: "Hello",
  de: "Hallo",
  fr: "Bonjour",
  es: "Hola",
};

const MAX_NAME_LENGTH = 60;

/** A request the caller can fix: it becomes a 400 with this message. */
export class BadRequest extends Error {}

export function parseLanguage(value: string | null): Language {
  if (value === null) return "en";
  if (Object.hasOwn(WORDS, value)) return value as Language;
  throw new BadRequest(`Unknown language "${value}". Known: ${Object.keys(WORDS).join(", ")}.`);
}

export function parseName(value: string | null): string {
  const name = (value ?? "").trim();
  if (name === "") return "world";
  if (name.length > MAX_NAME_LENGTH) {
    throw new BadRequest(`A name has at most ${MAX_NAME_LENGTH} characters.`);
  }
  return name;
}

export function greet(language: Language, name: string): string {
  return `${WORDS[language]}, ${name}`;
}

/** Counts greetings by language. */
export class Tally {
  readonly #counts = new Map<Language, number>();

  add(language: Language): void {
    this.#counts.set(language, (this.#counts.get(language) ?? 0) + 1);
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => a.localeCompare(b)));
  }
}
