// node newer.mjs OUTPUT INPUT… [--also OUTPUT]… [--except PATH]…
//
// Exit 0 if each OUTPUT exists and no INPUT is newer. An input may be a folder: then everything in it counts, but for what
// --except names (files that the build itself writes).
import { readdirSync, statSync } from "node:fs";
import { join, normalize } from "node:path";

const [first, ...rest] = process.argv.slice(2);
const outputs = [first];
const inputs = [];
const except = new Set();
while (rest.length > 0) {
  const argument = rest.shift();
  if (argument === "--also") outputs.push(rest.shift());
  else if (argument === "--except") except.add(normalize(rest.shift()));
  else inputs.push(normalize(argument));
}

for (const output of outputs) {
  const built = statSync(output, { throwIfNoEntry: false });
  if (built === undefined) fail(`${output} does not exist.`);
  for (const input of inputs) compare(input, output, built);
  console.log(`${output} is up to date.`);
}

function compare(path, output, built) {
  if (except.has(path)) return;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) fail(`${path} does not exist.`);
  if (found.isDirectory()) {
    for (const name of readdirSync(path)) compare(join(path, name), output, built);
  } else if (found.mtimeMs > built.mtimeMs) {
    fail(`${path} is newer than ${output}.`);
  }
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
