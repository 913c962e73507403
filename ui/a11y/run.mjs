// Visits every screen of the built window in both themes, in a real browser under the app's content security policy,
// and holds it to WCAG 2.2 AA as far as axe can see. Writes pictures to the folder named by SCREENSHOTS.
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { availableParallelism } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { browserPath, violations } from './browser.mjs';
import { SCENES } from './scenes.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2' };
const PICTURE = here('../../assets/packs/sample/docs/pictures/workspace.png');
const pictures = process.env.SCREENSHOTS;
if (pictures) await mkdir(pictures, { recursive: true });
const only = process.argv[2];

const root = here('../build/a11y');
await build({
  root: here('..'),
  logLevel: 'warn',
  build: { outDir: root, rollupOptions: { input: [here('./index.html'), here('./hub.html')] } },
});
const server = createServer(async (request, response) => {
  // Where the fake core says that a pack's pictures are.
  if (request.url.startsWith('/pack-image/')) {
    response.writeHead(200, { 'content-type': 'image/png' });
    return void response.end(await readFile(PICTURE));
  }
  if (request.url === '/favicon.ico') return void response.writeHead(204).end();
  const path = normalize(new URL(request.url, 'http://localhost').pathname);
  const file = join(root, path === '/' ? 'a11y/index.html' : path);
  try {
    const body = await readFile(file);
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': POLICY,
    });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({
  executablePath: browserPath(),
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
const faults = [];
let visited = 0;

async function visit(scene, theme) {
  const name = `${scene.name}-${theme}`;
  const page = await browser.newPage({
    viewport: scene.viewport ?? { width: 1120, height: 760 },
    deviceScaleFactor: scene.zoom ?? 1,
    locale: scene.language === 'de' ? 'de-DE' : 'en-GB',
    // What a hub's page follows; the window has a setting.
    colorScheme: theme,
    timezoneId: 'Europe/Berlin',
  });
  page.setDefaultTimeout(5000);
  // As the window does, so that nobody's code can be changed under the app; not every library lives with it.
  await page.addInitScript('Object.freeze(Object.prototype)');
  const said = [];
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  try {
    const language = scene.language ?? 'en';
    const at = scene.page === 'hub' ? 'a11y/hub.html' : '';
    await page.goto(`${origin}/${at}?scene=${scene.fixture}&theme=${theme}&language=${language}`);
    await page.waitForSelector('h1');
    await scene.visit?.(page);
    // Fonts decide what fits; fades decide what contrasts.
    await page.evaluate(() => document.fonts.ready);
    await page.waitForTimeout(100);
    if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
    for (const text of said) faults.push(`${name}: said on the console: ${text}`);
    const wide = await page.evaluate(
      () => document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth + 1,
    );
    if (wide) faults.push(`${name}: scrolls sideways`);
    for (const violation of await violations(page)) faults.push(`${name}: ${violation}`);
  } catch (error) {
    faults.push(`${name}: ${error.message}`);
  }
  visited++;
  await page.close();
}

// A page waits more than it works; each has a browser profile of its own, so they know nothing of each other.
const waiting = SCENES.filter((scene) => !only || scene.name.includes(only)).flatMap((scene) =>
  ['light', 'dark'].map((theme) => ({ scene, theme })),
);
async function visitInTurn() {
  for (let next = waiting.shift(); next; next = waiting.shift()) await visit(next.scene, next.theme);
}
await Promise.all(Array.from({ length: availableParallelism() }, visitInTurn));
await browser.close();
server.close();

for (const fault of faults.sort()) console.error(fault);
console.log(`${visited} pages visited, ${faults.length} faults`);
process.exit(faults.length === 0 && visited > 0 ? 0 : 1);
