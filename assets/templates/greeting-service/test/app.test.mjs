import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { createApp } from "../dist/app.js";

const PASSPHRASE = "only used by this test: ü:colon";

function basic(passphrase) {
  return { authorization: `Basic ${Buffer.from(`admin:${passphrase}`).toString("base64")}` };
}

describe("the service", () => {
  const server = createApp({ passphrase: PASSPHRASE });
  let base;

  before(async () => {
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${server.address().port}`;
  });
  after(() => new Promise((resolve) => server.close(resolve)));

  const get = async (path, options) => {
    const response = await fetch(base + path, options);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };

  test("says that it is well", async () => {
    const { status, body } = await get("/health");
    assert.equal(status, 200);
    assert.deepEqual(body, { status: "ok" });
  });

  test("greets the world, a person, and in four languages", async () => {
    assert.equal((await get("/")).body.greeting, "Hello, world");
    assert.equal((await get("/greeting?name=Ada")).body.greeting, "Hello, Ada");
    for (const [language, word] of [["en", "Hello"], ["de", "Hallo"], ["fr", "Bonjour"], ["es", "Hola"]]) {
      assert.equal((await get(`/greeting?name=Ada&language=${language}`)).body.greeting, `${word}, Ada`);
    }
  });

  test("says what is wrong with a request", async () => {
    const unknown = await get("/greeting?language=tlh");
    assert.equal(unknown.status, 400);
    assert.match(unknown.body.error, /Known: en, de, fr, es/);
    assert.equal((await get("/greeting?language=constructor")).status, 400);
    assert.equal((await get(`/greeting?name=${"a".repeat(61)}`)).status, 400);
    assert.equal((await get("/nowhere")).status, 404);
    assert.equal((await get("/", { method: "POST" })).status, 405);
  });

  test("opens the admin page only with the passphrase", async () => {
    const closed = await get("/admin");
    assert.equal(closed.status, 401);
    assert.match(closed.headers.get("www-authenticate"), /^Basic /);
    assert.equal((await get("/admin", { headers: basic("a guess") })).status, 401);
    assert.equal((await get("/admin", { headers: { authorization: "Basic" } })).status, 401);

    const open = await get("/admin", { headers: basic(PASSPHRASE) });
    assert.equal(open.status, 200);
    assert.ok(open.body.greetings.en >= 2);
  });
});
