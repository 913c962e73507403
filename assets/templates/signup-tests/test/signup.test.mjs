import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { FOLDER, PROOF, SCREENSHOT, fingerprint, sha256 } from "../scripts/artifacts.mjs";
import { launchOptions } from "../scripts/browser.mjs";
import { serveSite } from "../scripts/site.mjs";

let browser, page, site;
let passed = 0;
const errors = [];

before(async () => {
  rmSync(PROOF, { force: true });
  mkdirSync(FOLDER, { recursive: true });
  site = await serveSite(0);
  browser = await chromium.launch(launchOptions());
  page = await browser.newPage({ viewport: { width: 800, height: 600 } });
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => errors.push(error));
});

after(async () => {
  const version = browser?.version();
  await browser?.close();
  site?.server.close();
  if (passed < 3) return;
  assert.deepEqual(errors, [], "the page threw an error");
  writeFileSync(PROOF, `${JSON.stringify({ fingerprint: fingerprint(), screenshot, browser: `Chromium ${version}` }, null, 2)}\n`);
});

let screenshot;

test("an empty form says what is missing and goes to the first field", async () => {
  await page.goto(site.url);
  await page.getByRole("button", { name: "Sign up" }).click();
  assert.deepEqual(await page.getByRole("alert").allTextContents(), [
    "Tell us your name.",
    "This does not look like an email address.",
    "Promise to bring books back on time.",
  ]);
  assert.equal(await page.evaluate(() => document.activeElement.id), "name");
  assert.ok(await page.locator("#welcome").isHidden());
  passed += 1;
});

test("a mistyped email address is the only thing complained about", async () => {
  await page.goto(site.url);
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByLabel("Email").fill("ada@lighthouse");
  await page.getByLabel("I bring books back on time").check();
  await page.getByRole("button", { name: "Sign up" }).click();
  const shown = (await page.getByRole("alert").allTextContents()).filter((text) => text !== "");
  assert.deepEqual(shown, ["This does not look like an email address."]);
  passed += 1;
});

test("a person signs up with the keyboard alone and is welcomed by name", async () => {
  await page.goto(site.url);
  await page.keyboard.press("Tab");
  await page.keyboard.type("Ada <b>Lovelace</b>");
  await page.keyboard.press("Tab");
  await page.keyboard.type("ada@lighthouse.test");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Welcome, Ada <b>Lovelace</b>" }).waitFor();
  assert.match(await page.locator("#card-number").textContent(), /^L-\d{6}$/);
  assert.ok(await page.locator("#signup").isHidden());
  const picture = await page.screenshot({ path: SCREENSHOT });
  screenshot = sha256(picture);
  passed += 1;
});
