// What both runners need: a browser, and what axe finds in a page.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const BROWSERS = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where Chromium is; without one there is nothing to test in. */
export function browserPath() {
  const found = BROWSERS.find((path) => path && existsSync(path));
  if (found) return found;
  console.error('No Chromium found. Install chromium, or name one in CHROMIUM.');
  return process.exit(1);
}

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What is wrong with the page by WCAG 2.2 AA, as far as axe can see. */
export async function violations(page) {
  // Only the test reaches past the policy: `evaluate` is not subject to it.
  await page.evaluate(axe);
  const found = await page.evaluate(
    (tags) => window.axe.run(document, { runOnly: { type: 'tag', values: tags } }),
    WCAG,
  );
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')}\n    ${node.failureSummary}`),
  );
}
