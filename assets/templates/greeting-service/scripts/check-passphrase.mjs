// Reads a passphrase from standard input and says whether it is strong enough for the admin page.
// Exit 0: strong enough. Exit 1: too weak, with the reason. The passphrase itself is never printed.
import { fileURLToPath } from "node:url";

const MIN_LENGTH = 16;
const MIN_DIFFERENT = 8;
const MAX_RUN = 5;
const COMMON = ["password", "passphrase", "qwerty", "letmein", "changeme", "greeting"];

/** Why this passphrase is too weak, or null if it is not. */
export function weakness(passphrase) {
  if (passphrase === "") return "It is empty.";
  if (/[\r\n\0]/.test(passphrase)) return "It must be one line.";
  if ([...passphrase].length < MIN_LENGTH) return `It needs at least ${MIN_LENGTH} characters.`;
  if (new Set(passphrase).size < MIN_DIFFERENT) return `It needs at least ${MIN_DIFFERENT} different characters.`;
  if (longestSequence(passphrase) > MAX_RUN) return `It has more than ${MAX_RUN} characters in a row, like abcdef.`;
  const lower = passphrase.toLowerCase();
  const common = COMMON.find((word) => lower.includes(word));
  if (common !== undefined) return `It contains "${common}", which is guessed first.`;
  return null;
}

/** Length of the longest stretch whose characters each follow the one before: abcd, 1234, dcba. */
function longestSequence(text) {
  let longest = 1;
  for (const step of [1, -1]) {
    let length = 1;
    for (let i = 1; i < text.length; i += 1) {
      length = text.charCodeAt(i) - text.charCodeAt(i - 1) === step ? length + 1 : 1;
      longest = Math.max(longest, length);
    }
  }
  return longest;
}

async function readStdin() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8").replace(/\r?\n$/, "");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reason = weakness(await readStdin());
  if (reason === null) {
    console.log("The passphrase is strong enough.");
  } else {
    console.error(`The passphrase is too weak. ${reason}`);
    process.exitCode = 1;
  }
}
