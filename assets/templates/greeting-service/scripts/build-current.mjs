// Exit 0 if every source in src/ has its compiled file in dist/, and none is older than what it is made from.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const INPUTS = ["tsconfig.json", "package-lock.json"];

const sources = readdirSync("src", { recursive: true }).filter((name) => name.endsWith(".ts"));
const newestInput = Math.max(...INPUTS.map(modified));

for (const source of sources) {
  const compiled = join("dist", source.replace(/\.ts$/, ".js"));
  const built = modified(compiled);
  if (built === null) fail(`${compiled} does not exist.`);
  if (built < Math.max(newestInput, modified(join("src", source)))) fail(`${compiled} is older than its source.`);
}
console.log(`${sources.length} files are built and up to date.`);

/** Milliseconds since the epoch, or null if there is no such file. */
function modified(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
