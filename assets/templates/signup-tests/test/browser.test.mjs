import assert from "node:assert/strict";
import { test } from "node:test";

import { findBrowser } from "../scripts/browser.mjs";

test("a browser that was chosen and is not there is an error, not a search for another", () => {
  const before = process.env.BROWSER_PATH;
  process.env.BROWSER_PATH = "/nowhere/browser";
  try {
    assert.throws(findBrowser, /BROWSER_PATH is \/nowhere\/browser/);
  } finally {
    if (before === undefined) delete process.env.BROWSER_PATH;
    else process.env.BROWSER_PATH = before;
  }
});
