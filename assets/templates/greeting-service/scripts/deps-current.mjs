// Exit 0 if node_modules holds exactly what package-lock.json asks for on this machine. Changes nothing, asks no registry.
import { readFileSync } from "node:fs";

const wanted = packages("package-lock.json");
const installed = packages("node_modules/.package-lock.json");

for (const [path, entry] of wanted) {
  const found = installed.get(path);
  // Rightly absent: an optional package for another kind of machine, and what nothing depends on.
  if (found === undefined && (entry.optional || entry.extraneous)) continue;
  if (found === undefined) fail(`${path} is not installed.`);
  if (found.version !== entry.version) fail(`${path} is ${found.version}, ${entry.version} is wanted.`);
  if (found.integrity !== entry.integrity) fail(`${path} does not match its lock.`);
}
for (const path of installed.keys()) {
  if (!wanted.has(path)) fail(`${path} is not in package-lock.json.`);
}
console.log(`Installed as locked: ${installed.size}.`);

function packages(file) {
  try {
    const lock = JSON.parse(readFileSync(file, "utf8"));
    return new Map(Object.entries(lock.packages).filter(([path]) => path !== ""));
  } catch (error) {
    return fail(error.code === "ENOENT" ? `${file} does not exist.` : `${file}: ${error.message}`);
  }
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
