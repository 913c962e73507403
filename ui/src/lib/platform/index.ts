// The window's one door to the core. Nothing behind it is known here but names and types; a test or the screens' gallery
// passes another implementation. Add a command: declare it in crates/contract, generate, call it by name.
import type { Commands, Notice } from '$lib/contract';

export type CommandName = keyof Commands;

export interface Platform {
  /** Asks the core to do one thing. Rejects with an `ErrorBody`. */
  call<K extends CommandName>(name: K, args: Commands[K]['args']): Promise<Commands[K]['result']>;
  /** Where a picture of the pack is loaded from, by its path in the pack. */
  image(path: string): string;
  /** Hears what the core says unasked, from now on. Rejects with an `ErrorBody`. */
  listen(handler: (notice: Notice) => void): Promise<void>;
}
