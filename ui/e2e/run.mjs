// The hub's page in a real browser, on a real hub with a simulated company in it: what people see is what the hub says.
// Needs `cargo build -p firstlight-hub` after `npm run build`. Writes pictures to the folder named by SCREENSHOTS.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { browserPath, violations } from '../a11y/browser.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const bin = process.env.FIRSTLIGHT_BIN_DIR ?? here('../../target/debug');
const program = join(bin, process.platform === 'win32' ? 'firstlight-hub.exe' : 'firstlight-hub');
assert(existsSync(program), `${program} is not there; build it with cargo build -p firstlight-hub`);
const pictures = process.env.SCREENSHOTS;
if (pictures) await mkdir(pictures, { recursive: true });

const values = (elements) => elements.map((element) => Number(element.value));
const sorted = (numbers) => [...numbers].sort((a, b) => a - b);

const folder = await mkdtemp(join(tmpdir(), 'firstlight-page-'));
const config = join(folder, 'hub.toml');
await writeFile(
  config,
  'enrolments_per_minute = 1000000\nrequests_per_minute = 1000000\nzone = "Europe/Berlin"\n',
);
const database = `sqlite:${join(folder, 'hub.sqlite')}`;
const settings = ['--config', config, '--database', database];

const server = spawn(program, [...settings, 'serve', '--listen', '127.0.0.1:0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
let browser;
try {
  const [line] = await once(createInterface(server.stdout), 'line');
  const url = line.replace('listening at ', '').trim();
  const company = ['--people', '120', '--weeks', '12', '--seed', '4'];
  const simulated = spawnSync(program, [...settings, 'simulate', '--hub', url, ...company], {
    encoding: 'utf8',
  });
  assert.equal(simulated.status, 0, simulated.stderr);
  browser = await chromium.launch({
    executablePath: browserPath(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
  await tell(url);
  await answer(url);
  console.log('the page says what the hub says');
} finally {
  await browser?.close();
  server.kill();
  await rm(folder, { recursive: true, force: true });
}

function say(...words) {
  const { status, stdout, stderr } = spawnSync(program, [...settings, ...words], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

/** The access token of somebody with a role. */
function access(person, role) {
  say('role', 'grant', person, role);
  return say('role', 'token', person);
}

/** A machine that has asked somebody for something. */
async function asking(url, { title, owner, sla }) {
  const source = `urn:uuid:${randomUUID()}`;
  const post = async (path, type, body, token) => {
    const headers = { 'content-type': type, ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const said = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    assert(said.ok, await said.clone().text());
    return said.json();
  };
  const code = say('code', 'new', '--for', 'ada');
  const { token } = await post('/v1/devices', 'application/json', { code, source });
  const now = new Date().toISOString();
  const request = randomUUID();
  const event = {
    specversion: '1.0',
    id: randomUUID(),
    source,
    type: 'dev.firstlight.request.opened',
    time: now,
    recordedtime: now,
    sequence: '0000000000000001',
    datacontenttype: 'application/json',
    data: { request, journey: randomUUID(), step: 'vpn', title, owner, sla, signed_name: 'Ada' },
  };
  const { verdicts } = await post('/v1/events', 'application/cloudevents-batch+json', [event], token);
  assert.equal(verdicts[0].verdict, 'accepted', JSON.stringify(verdicts));
  return { request, token };
}

/** Somebody's machine asks, and whoever answers for it does so in the page. */
async function answer(url) {
  const machine = await asking(url, { title: 'Ask for VPN', owner: 'front-desk', sla: '2 days' });
  await asking(url, { title: 'A badge', owner: 'facilities', sla: '2 days' });
  const context = await browser.newContext({ viewport: { width: 1120, height: 900 }, locale: 'en-GB' });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${url}/queue`);
  await page.getByRole('heading', { level: 1, name: 'Queue' }).waitFor();
  await signIn(page, access('quentin', 'viewer'));
  await page.getByText('You are signed in, but answer for nobody').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn(page, access('otto', 'step-owner:front-desk'));
  const asked = page.locator(`[data-request="${machine.request}"]`);
  await asked.getByText('For Ada').waitFor();
  assert.match(await asked.innerText(), /1 d 23 h left|2 d left/);
  // What others are asked is not theirs to see.
  assert.equal(await page.getByText('A badge').count(), 0);
  await picture(page, 'queue');
  // By keyboard alone: refused, which has to be said why.
  await page.getByRole('button', { name: /^Answer/ }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByText('Say why, so that they know what to do.').waitFor();
  await page.keyboard.type('It comes with the training on Monday.');
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Send the answer' }).press('Enter');
  await asked.getByText(/said no/).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Ask for VPN');
  await picture(page, 'queue-answered');
  const told = await fetch(`${url}/v1/devices/self/requests`, {
    headers: { authorization: `Bearer ${machine.token}` },
  });
  const { answered } = await told.json();
  const [{ request, answer }] = answered;
  assert.deepEqual(
    [request, answer.reply, answer.words, answer.by],
    [machine.request, 'refused', 'It comes with the training on Monday.', 'front-desk'],
  );
  await page.reload();
  await page.getByText('Nobody waits for you.').waitFor();
  await page.getByRole('radio', { name: /^All of the last/ }).check();
  await asked.getByText(/said no/).waitFor();
  assert.equal(new URL(page.url()).search, '?state=all');
  await context.close();
}

async function signIn(page, token) {
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

function once(emitter, name) {
  return new Promise((resolve, reject) => {
    emitter.once(name, (...given) => resolve(given));
    server.once('exit', () => reject(new Error('the hub ended')));
  });
}

async function tell(url) {
  const context = await browser.newContext({
    viewport: { width: 1120, height: 900 },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    acceptDownloads: true,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const said = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(String(error)));
  const elsewhere = [];
  page.on('request', (request) => request.url().startsWith(url) || elsewhere.push(request.url()));
  // Whatever the policy refuses is told to the document.
  await page.addInitScript(() => {
    window.refused = [];
    document.addEventListener('securitypolicyviolation', (event) => window.refused.push(event.blockedURI));
  });
  const viewer = access('grace', 'viewer');
  const get = (path) => fetch(`${url}${path}`, { headers: { authorization: `Bearer ${viewer}` } });
  const ask = async (path) => (await get(path)).json();

  await page.goto(`${url}/insights`);
  await page.getByRole('heading', { level: 1, name: 'Insights' }).waitFor();
  // Nobody is told anything before they have said who they are, with a token that counts and a role that allows it.
  await signIn(page, 'flr_made-up');
  await page.getByText('hub_no_access').waitFor();
  await signIn(page, access('ida', 'step-owner:it-helpdesk'));
  await page.getByText('You are signed in, but may not see figures').waitFor();
  assert.equal(await page.locator('data').count(), 0);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn(page, viewer);
  await page.getByRole('heading', { name: 'How far people get in 30 days' }).waitFor();
  await settled(page);
  await picture(page, 'everybody');

  // The cards.
  const summary = await ask('/v1/insights/summary');
  await equal(page, card('Time to first value'), [
    summary.ttfv.median,
    summary.ttfv.p75,
    summary.ttfv.p90,
    summary.ttfv.naive_median,
  ]);
  await equal(page, card('First value within 30 days'), [
    summary.ttfv.within_30_days,
    summary.ttfv.restricted_mean,
  ]);
  await equal(page, card('Adoption'), [
    summary.adoption.could_help,
    summary.adoption.organisation,
    summary.adoption.use_it,
  ]);
  await equal(page, card('Active in 28 days'), [
    summary.active.monthly,
    summary.active.weekly,
    summary.active.daily,
  ]);
  await equal(page, card('Stickiness'), [summary.stickiness]);
  await equal(page, card('Steps that failed'), [summary.step_failure]);
  assert.equal(summary.ttfv.median.answer, 'known', 'the company says something');
  const median = await page.locator(card('Time to first value')).locator('data').first().innerText();
  assert.equal(median, days(summary.ttfv.median.value));

  // Curves, and their table.
  const curves = await ask('/v1/insights/ttfv?by=persona');
  const drawn = curves.groups.filter((group) => group.points.length > 1).slice(0, 6);
  assert(drawn.length >= 2, 'there is something to compare');
  const ttfv = page.locator('[data-question=ttfv]');
  assert.equal(await ttfv.locator('path.curve').count(), drawn.length);
  await ttfv.getByRole('button', { name: /^Table/ }).click();
  for (const group of curves.groups) {
    for (const [name, kpi] of Object.entries(group.figures)) {
      await equal(page, `[data-question=ttfv] tr[data-group="${group.name}"] [data-figure=${name}]`, [kpi]);
    }
  }
  const waiting = curves.groups.flatMap((group) => group.points.map((point) => point.waiting));
  const cells = await ttfv.locator('table').nth(1).locator('data').evaluateAll(values);
  assert.deepEqual(sorted(cells), sorted(waiting));
  await ttfv.getByRole('button', { name: /^Table/ }).click();

  // The same until another end.
  await ttfv.getByLabel('Until').selectOption('merged');
  await settled(page);
  assert.equal(new URL(page.url()).search, '?value=merged');
  await ttfv.getByRole('heading', { name: 'How long the first merged change takes' }).waitFor();
  const merged = await ask('/v1/insights/ttfv?by=persona&value=merged');
  await ttfv.getByRole('button', { name: /^Table/ }).click();
  for (const { name, figures } of merged.groups) {
    await equal(page, `[data-question=ttfv] tr[data-group="${name}"] [data-figure=median]`, [figures.median]);
  }
  await ttfv.getByRole('button', { name: /^Table/ }).click();
  await ttfv.getByLabel('Until').selectOption('first_value');
  await settled(page);

  // Steps, in the hub's order and in another.
  const { steps } = await ask('/v1/insights/steps');
  const names = () =>
    page.locator('[data-question=steps] tbody tr').evaluateAll((rows) => rows.map((row) => row.dataset.step));
  assert.deepEqual(
    await names(),
    steps.map(({ step }) => step),
  );
  for (const row of steps) {
    for (const name of ['person_days', 'minutes', 'doing', 'waiting', 'failing', 'failure']) {
      await equal(page, `[data-question=steps] tr[data-step="${row.step}"] [data-figure=${name}]`, [
        row[name],
      ]);
    }
  }
  await page.locator('[data-question=steps]').getByRole('button', { name: 'Step', exact: true }).click();
  assert.deepEqual(await names(), steps.map(({ step }) => step).sort());

  // Funnel, days, completeness.
  const funnel = await ask('/v1/insights/funnel');
  for (const { stage, reached } of funnel.stages) {
    await equal(page, `[data-question=funnel] [data-figure=${stage}]`, [reached]);
  }
  await equal(page, '[data-question=funnel] [data-figure=under_way]', [funnel.under_way]);
  const activity = await ask('/v1/insights/activity');
  await page
    .locator('[data-question=activity]')
    .getByRole('button', { name: /^Table/ })
    .click();
  for (const day of activity.days) {
    for (const name of ['daily', 'weekly', 'monthly']) {
      await equal(page, `[data-question=activity] tr[data-day="${day.day}"] [data-figure=${name}]`, [
        day[name],
      ]);
    }
  }
  const sla = await ask('/v1/insights/sla');
  for (const { owner, kept } of sla.owners) {
    await equal(page, `[data-question=sla] tr[data-owner="${owner}"] [data-figure=kept]`, [kept]);
  }
  const { services } = await ask('/v1/insights/services');
  for (const row of services) {
    for (const name of ['users', 'uses_per_user', 'success']) {
      const where = `tr[data-service="${row.service}"][data-month="${row.month}"] [data-figure=${name}]`;
      await equal(page, `[data-question=services] ${where}`, [row[name]]);
    }
  }
  const {
    quarters: [latest],
  } = await ask('/v1/insights/surveys');
  if (latest) {
    const scores = [latest.nps, latest.csat, latest.ces, latest.response];
    await equal(page, card(`Recommendation (NPS), ${latest.quarter}`), scores);
  }
  const completeness = await ask('/v1/insights/completeness');
  for (const name of ['produced', 'accepted', 'missing', 'refused', 'devices', 'devices_heard', 'journeys']) {
    const at = page.locator(`[data-question=completeness] [data-figure=${name}] data`);
    assert.deepEqual(await at.evaluateAll(values), [completeness[name]]);
  }

  // What is chosen stands in the address: it outlives a reload, and the way back leads back.
  const { personas } = await ask('/v1/insights/filters');
  const persona = personas[0];
  await page.getByLabel('Persona', { exact: true }).selectOption(persona);
  await page.getByRole('radio', { name: 'By release' }).check();
  await settled(page);
  assert.equal(new URL(page.url()).search, `?persona=${persona}&by=release`);
  const chosen = async () => {
    await settled(page);
    const told = await ask(`/v1/insights/summary?persona=${persona}`);
    await equal(page, card('Adoption'), [
      told.adoption.could_help,
      told.adoption.organisation,
      told.adoption.use_it,
    ]);
    assert.equal(await page.getByLabel('Persona', { exact: true }).inputValue(), persona);
    assert.equal(await page.getByRole('radio', { name: 'By release' }).isChecked(), true);
  };
  await chosen();
  await page.reload();
  await chosen();
  await picture(page, 'persona');
  await page.goBack();
  await page.goBack();
  await settled(page);
  assert.equal(await page.getByLabel('Persona', { exact: true }).inputValue(), '');
  await equal(page, card('Stickiness'), [summary.stickiness]);
  await page.goForward();
  await page.goForward();
  await chosen();

  // Tables to take along are the hub's own.
  const query = `persona=${persona}`;
  for (const [question, path] of [
    ['ttfv', `/v1/insights/ttfv?${query}&by=release`],
    ['steps', `/v1/insights/steps?${query}`],
    ['funnel', `/v1/insights/funnel?${query}`],
    ['activity', `/v1/insights/activity?${query}`],
    ['services', `/v1/insights/services?${query}`],
    ['sla', `/v1/insights/sla?${query}`],
    ['completeness', '/v1/insights/completeness?'],
    ['surveys', '/v1/surveys/results?'],
  ]) {
    const coming = page.waitForEvent('download');
    await page.locator(`[data-question=${question}]`).getByRole('button', { name: /^CSV/ }).click();
    const got = await coming;
    assert.equal(got.suggestedFilename(), `firstlight-${question}.csv`);
    const wanted = await (await get(`${path}&format=csv`)).text();
    // Service levels are of the moment they are asked at.
    const still = (text) => (question === 'sla' ? text.replaceAll(/,2\d{3}-\d\d-\d\dT[^,]*Z,/g, ',') : text);
    assert.equal(still(await readFile(await got.path(), 'utf8')), still(wanted));
  }

  // Two releases, compared, by a link.
  await page.goto(`${url}/insights?before=acme@2.0.0&after=acme@3.0.0`);
  await settled(page);
  const helped = await ask('/v1/insights/retrospective?pack=acme&release=3.0.0&before=2.0.0');
  const retrospective = page.locator('[data-question=retrospective]');
  assert.equal(await retrospective.locator('.verdict').getAttribute('data-verdict'), helped.verdict);
  await equal(page, '[data-question=retrospective] [data-figure=gain]', [helped.gain]);
  assert.equal(await retrospective.getByLabel('Compared with').inputValue(), 'acme@2.0.0');

  // A group that is too small, or does not exist, is no error of the page.
  await page.goto(`${url}/insights?persona=unicorn`);
  await settled(page);
  await page.locator(card('Stickiness')).getByText('Nothing to tell yet').waitFor();
  // What the hub refuses is shown with what to do.
  await page.goto(`${url}/insights?period=soon`);
  await page.locator('[data-question=steps]').getByText('hub_refused').waitFor();

  await page.goto(`${url}/insights`);
  await settled(page);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), []);
    await picture(page, `end-${colorScheme}`);
  }
  assert.deepEqual(await page.evaluate(() => window.refused), []);
  // Said by the browser of what the hub was right to refuse.
  const unexpected = said.filter((text) => !/status of 40[0134]/.test(text));
  assert.deepEqual(unexpected, []);
  assert.deepEqual(elsewhere, []);
  // Who has signed out is told nothing any more, also not what was there before.
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Access token').waitFor();
  assert.equal(await page.locator('data').count(), 0);
  for (const file of await readdir(here('../hub/dist'))) {
    const text = file.endsWith('.js') ? await readFile(join(here('../hub/dist'), file), 'utf8') : '';
    assert(!text.includes('__TAURI'), `${file} knows of the desktop`);
  }
}

/** Every question is answered. */
async function settled(page) {
  await page.waitForFunction(
    () => document.querySelector('h1') && document.querySelectorAll('[aria-busy=true]').length === 0,
  );
}

function card(name) {
  return `[data-question=summary] li:has(> h3:text-is("${name}"))`;
}

/** The values shown there are those the hub says, to the last digit, and nothing else is said to be a value. */
async function equal(page, where, kpis) {
  const shown = await page.locator(where).first().locator('data').evaluateAll(values);
  const wanted = kpis.filter((kpi) => kpi.answer === 'known').map((kpi) => kpi.value);
  assert.deepEqual(shown, wanted, where);
}

/** As people say it, by code that shares nothing with the page's: the two largest units. */
function days(value) {
  const hours = Math.round(value * 24);
  if (value < 1) {
    const minutes = Math.round(value * 24 * 60);
    return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

async function picture(page, name) {
  if (!pictures) return;
  const size = page.viewportSize();
  const height = await page.evaluate(() => document.querySelector('main').scrollHeight + 60);
  await page.setViewportSize({ width: size.width, height });
  await page.waitForTimeout(150);
  await page.screenshot({ path: join(pictures, `hub-${name}.png`) });
  await page.setViewportSize(size);
}
