import assert from "node:assert/strict";
import { test } from "node:test";

import { weakness } from "../scripts/check-passphrase.mjs";

test("a generated passphrase is accepted", () => {
  assert.equal(weakness("q7Zt2LmX9vKd4RbN8sWc1HyE"), null);
});

test("a sentence of a few uncommon words is accepted", () => {
  assert.equal(weakness("ferry lantern quiet orbit"), null);
});

test("a weak passphrase is refused, with the reason", () => {
  assert.match(weakness(""), /empty/);
  assert.match(weakness("short"), /at least 16/);
  assert.match(weakness("aaaaaaaaaaaaaaaaaaaaaaaa"), /different characters/);
  assert.match(weakness("abcdefghijklmnopqrstuvwx"), /in a row/);
  assert.match(weakness("my-password-is-very-long"), /password/);
  assert.match(weakness("two lines\nof a passphrase"), /one line/);
});
