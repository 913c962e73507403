/** A place in a message that a component fills with something other than text. */
export const HERE = '\u0001';

/** The text before and after {@link HERE}, so that each language may put the place where it needs it. */
export function around(message: string): [before: string, after: string] {
  const at = message.indexOf(HERE);
  return at < 0 ? [message, ''] : [message.slice(0, at), message.slice(at + HERE.length)];
}
