// node cargo-current.mjs PROGRAM
//
// Exit 0 if PROGRAM, built by cargo, is no older than the sources it was made from. Cargo lists those beside it, in
// PROGRAM.d. A change of Cargo.toml or Cargo.lock alone is not seen here; `cargo build` sees it.
import { readFileSync, statSync } from "node:fs";

const program = process.argv[2];
const built = statSync(program, { throwIfNoEntry: false });
if (built === undefined) fail(`${program} does not exist.`);

let count = 0;
for (const line of rules(program.replace(/\.exe$/, ""))) {
  const target = line.indexOf(": ");
  if (target < 0) continue;
  // A space inside a name is written with a backslash before it.
  for (const name of line.slice(target + 2).split(/(?<!\\) /)) {
    const source = name.replaceAll("\\ ", " ");
    if (source === "") continue;
    const found = statSync(source, { throwIfNoEntry: false });
    // Build scripts also name places where something could be, and a source that is gone is no longer named by another.
    if (found === undefined) continue;
    if (found.isFile() && found.mtimeMs > built.mtimeMs) fail(`${source} is newer than ${program}.`);
    count += 1;
  }
}
if (count === 0) fail(`${program}.d names no source.`);
console.log(`${program} is no older than its ${count} sources.`);

function rules(base) {
  try {
    return readFileSync(`${base}.d`, "utf8").split(/\r?\n/);
  } catch (error) {
    return fail(`${base}.d cannot be read: ${error.message}`);
  }
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
