// What a passing run leaves behind, and how to tell that it belongs to today's page and tests.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);

export const FOLDER = fileURLToPath(new URL("artifacts/", root));
export const SCREENSHOT = fileURLToPath(new URL("artifacts/welcome.png", root));
export const PROOF = fileURLToPath(new URL("artifacts/proof.json", root));

/** SHA-256 over the page, the tests and the lock file, as hexadecimal digits. */
export function fingerprint() {
  const hash = createHash("sha256");
  const names = ["site", "test", "scripts"].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root)).sort().map((name) => `${folder}/${name}`));
  for (const name of [...names, "package-lock.json"]) hash.update(`${name}\0`).update(readFileSync(new URL(name, root)));
  return hash.digest("hex");
}

export function sha256(data) {
  return createHash("sha256").update(data).digest("hex");
}
