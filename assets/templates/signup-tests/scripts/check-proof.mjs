// Exit 0 if the last run of the browser test passed on today's page and tests, and its screenshot is still the one it took.
import { readFileSync } from "node:fs";

import { PROOF, SCREENSHOT, fingerprint, sha256 } from "./artifacts.mjs";

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

const proof = JSON.parse(read(PROOF, "The browser test has not passed yet.").toString("utf8"));
const screenshot = read(SCREENSHOT, "The screenshot is gone.");

if (proof.fingerprint !== fingerprint()) fail("The page or its tests have changed since they last passed.");
if (!screenshot.subarray(0, PNG.length).equals(PNG)) fail("The screenshot is not a PNG file.");
if (sha256(screenshot) !== proof.screenshot) fail("The screenshot is not the one the test took.");
console.log(`The browser test passed in ${proof.browser}.`);

function read(file, reason) {
  try {
    return readFileSync(file);
  } catch {
    return fail(reason);
  }
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
