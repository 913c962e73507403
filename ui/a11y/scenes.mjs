// The screens, and how a person gets to each. `fixture` names a scene of main.ts.

const press = (page, name) => page.getByRole('button', { name, exact: true }).first().click();
const go = (name) => (page) =>
  page.getByRole('navigation', { name: 'Screens' }).getByRole('button', { name }).click();
async function updates(page) {
  await page
    .getByRole('button', { name: /^(Settings|Einstellungen)$/ })
    .first()
    .click();
  const title = page.getByRole('heading', { name: /^Updates (of|von) Firstlight$/ });
  await title.scrollIntoViewIfNeeded();
}

/** Said by the core while the person is somewhere else. */
async function notice(page) {
  await page.evaluate(() => window.notify({ kind: 'app_update', update: window.newerApp }));
  await page.getByText('Firstlight 0.2.0 is there.').waitFor();
}

const step = (name) => (page) =>
  page.getByRole('navigation', { name: 'Your steps' }).getByRole('button', { name }).click();

async function road(page) {
  await page.getByRole('radio', { name: /^Developer/ }).check();
  await page.getByLabel('Your work address').fill('ada@harbour.test');
  await press(page, 'See the road');
}

/** By the palette: the rail folds away what is done. */
const seek = (name) => async (page) => {
  await page.keyboard.press('Control+k');
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name }).waitFor();
};

/** Looks for weaknesses, and shows what came of it. */
async function look(page) {
  await press(page, 'Look now');
  await page
    .getByText(/^Could not be told$|is damaged; it was set aside|is known to be weak/)
    .first()
    .scrollIntoViewIfNeeded();
}

async function lookInSettings(page) {
  await go('Settings')(page);
  await page.getByRole('heading', { name: 'Known to be weak' }).scrollIntoViewIfNeeded();
  await press(page, 'Look now');
}

const insights = seek('Insights');

/** Refuses a request, and is asked why. */
async function reply(page) {
  await page.getByRole('button', { name: /^Answer.*Ask for VPN access$/ }).click();
  await page.getByRole('radio', { name: 'It will not be done' }).check();
  await press(page, 'Send the answer');
  await page.getByText('Say why, so that they know what to do.').waitFor();
}

async function help(page) {
  await press(page, 'Open the step');
  await press(page, 'Get help');
}

async function fix(page) {
  await go('Settings')(page);
  await press(page, 'See what would be set');
  await page.getByRole('dialog').waitFor();
}

async function fixed(page) {
  await fix(page);
  await press(page, 'Set this');
  await page
    .getByText(/^Set\.|cannot be written|has changed since/)
    .first()
    .waitFor();
}

async function flood(page) {
  await press(page, 'Log');
  await page.waitForSelector('[role=log] .line');
  const longest = await page.evaluate(() => window.flood('deps', 10_000, 2));
  // Fails by timing out if the log does not follow its end.
  await page.getByText('line 20405').waitFor();
  const rendered = await page.locator('[role=log] .line').count();
  if (rendered > 100) throw new Error(`${rendered} lines are in the document`);
  // Two seconds at 10,000 lines a second; a frame over a quarter of a second would be seen as a stop.
  if (longest > 250) throw new Error(`a frame took ${Math.round(longest)} ms`);
}

const searched = (words) => async (page) => {
  await page
    .getByRole('navigation')
    .getByRole('button', { name: /^(Documents|Dokumente)$/ })
    .click();
  await page.getByRole('searchbox').fill(words);
  await page
    .getByRole('status')
    .filter({ hasText: 'found' })
    .or(page.getByRole('alert'))
    .or(page.getByText('cannot be searched'))
    .first()
    .waitFor({ state: 'attached' });
};

async function read(page) {
  await page
    .getByRole('navigation')
    .getByRole('button', { name: /^(Documents|Dokumente)$/ })
    .click();
  await page.getByRole('button', { name: /^The harbour and its services/ }).click();
  await page.getByRole('heading', { level: 1, name: /The harbour|docs.harbour/ }).waitFor();
}

/** The survey that came by itself, at its end. */
async function asked(page) {
  await page.getByRole('heading', { name: /^(Your way|Would you|Your first week)/ }).waitFor();
  await page.getByText(/^(A question for you|Eine Frage an dich)/).scrollIntoViewIfNeeded();
}

async function hard(page) {
  await asked(page);
  await page.getByRole('radio', { name: '3', exact: true }).check({ force: true });
  await page.getByText('What held you up?').waitFor();
  await page.getByRole('checkbox', { name: 'Waiting for somebody' }).check();
}

async function say(page) {
  await page.keyboard.press('f');
  await page.getByRole('dialog').getByRole('textbox').first().fill('The VPN page is out of date.');
}

const SMALL = { width: 800, height: 600 };
/** 800 × 600 at 200 %. */
const ZOOMED = { viewport: { width: 400, height: 300 }, zoom: 2 };

/** All of a long page. */
const WHOLE = { width: 1120, height: 2700 };

export const SCENES = [
  { name: '01-welcome', fixture: 'welcome' },
  { name: '01-welcome-one', fixture: 'welcome-one' },
  { name: '01-welcome-none', fixture: 'welcome-none' },
  { name: '01-welcome-missing', fixture: 'welcome', visit: (page) => press(page, 'See the road') },
  { name: '01-welcome-small', fixture: 'welcome', viewport: SMALL },
  { name: '01-welcome-zoomed', fixture: 'welcome', ...ZOOMED },
  { name: '01-no-start', fixture: 'no-start' },
  { name: '02-road', fixture: 'welcome', visit: road },
  {
    name: '02-road-open',
    fixture: 'welcome',
    visit: async (page) => {
      await road(page);
      await page.getByText('Tell Git who you are').click();
      await page.getByText('Install its packages').click();
      await page.getByText('Install Git').click();
      await page.getByText('Tell Git who you are').scrollIntoViewIfNeeded();
    },
  },
  { name: '02-road-loading', fixture: 'road-loading', visit: road },
  { name: '02-road-failed', fixture: 'road-failed', visit: road },
  {
    name: '02-road-stale',
    fixture: 'road-stale',
    visit: async (page) => {
      await road(page);
      await press(page, 'Start');
      await page.getByText('has changed since you looked').waitFor();
    },
  },
  { name: '02-road-zoomed', fixture: 'welcome', visit: road, ...ZOOMED },
  { name: '03-today', fixture: 'working' },
  {
    name: '03-today-log',
    fixture: 'working',
    visit: async (page) => {
      await page.keyboard.press('l');
      await page.waitForSelector('[role=log] .line');
      await page.locator('[role=log]').scrollIntoViewIfNeeded();
    },
  },
  { name: '03-today-flood', fixture: 'working', visit: flood },
  { name: '03-today-reading', fixture: 'reading' },
  { name: '03-today-failed', fixture: 'failed' },
  { name: '03-today-interrupted', fixture: 'interrupted' },
  { name: '03-today-request', fixture: 'requesting' },
  { name: '03-today-refused', fixture: 'refused' },
  { name: '03-today-reached', fixture: 'reached' },
  { name: '03-today-left', fixture: 'left' },
  { name: '03-today-left-small', fixture: 'left', viewport: SMALL },
  { name: '03-today-left-zoomed', fixture: 'left', ...ZOOMED },
  { name: '03-today-left-german', fixture: 'left', language: 'de' },
  { name: '03-today-weak', fixture: 'weak' },
  { name: '03-today-weak-small', fixture: 'weak', viewport: SMALL },
  { name: '03-today-weak-german', fixture: 'weak', language: 'de' },
  {
    name: '03-today-weak-accept',
    fixture: 'weak',
    visit: (page) => page.getByRole('button', { name: /^Accept for a while: GHSA/ }).click(),
  },
  { name: '03-today-weak-unsure', fixture: 'weak-unsure', visit: look },
  { name: '03-today-weak-broken', fixture: 'weak-broken', visit: look },
  { name: '03-today-restart', fixture: 'restarting' },
  { name: '03-today-cut-off', fixture: 'cut-off' },
  { name: '03-today-cut-off-small', fixture: 'cut-off', viewport: SMALL },
  { name: '03-today-posture', fixture: 'posture' },
  { name: '03-today-newer', fixture: 'newer' },
  {
    name: '03-today-rights',
    fixture: 'working',
    visit: (page) =>
      page.evaluate(() =>
        window.notify({ kind: 'run', event: { type: 'administrator_rights', asking: true } }),
      ),
  },
  { name: '03-today-small', fixture: 'working', viewport: SMALL },
  { name: '03-today-zoomed', fixture: 'working', ...ZOOMED },
  { name: '03-today-german', fixture: 'working', language: 'de' },
  { name: '04-step', fixture: 'failed', visit: step('Build it') },
  {
    name: '04-step-log',
    fixture: 'failed',
    visit: async (page) => {
      await step('Build it')(page);
      await page.getByLabel('Search the log').fill('error');
      await page.keyboard.press('Enter');
      await page.getByRole('log').scrollIntoViewIfNeeded();
    },
  },
  {
    name: '04-step-undo',
    fixture: 'failed',
    visit: async (page) => {
      await step('Clone orders-service')(page);
      await press(page, 'Undo');
    },
  },
  { name: '04-step-credential', fixture: 'working', visit: step('Registry token') },
  { name: '04-step-drifted', fixture: 'left', visit: seek('Tell Git who you are') },
  { name: '04-step-left', fixture: 'left', visit: seek('Install its packages') },
  { name: '04-step-best-effort', fixture: 'left', visit: step('See how on-call works') },
  { name: '04-step-restart', fixture: 'restarting', visit: step('Install Git') },
  { name: '04-step-newer', fixture: 'newer', visit: step('Build it') },
  { name: '04-step-posture', fixture: 'posture', visit: step('Keep this machine safe') },
  { name: '04-step-cut-off', fixture: 'cut-off', visit: step('Clone orders-service') },
  { name: '04-step-help', fixture: 'failed', visit: help },
  { name: '04-step-help-small', fixture: 'failed', visit: help, viewport: SMALL },
  { name: '04-step-help-zoomed', fixture: 'failed', visit: help, ...ZOOMED },
  { name: '04-step-help-loading', fixture: 'help-loading', visit: help },
  { name: '04-step-help-failed', fixture: 'help-failed', visit: help },
  {
    name: '04-step-help-copied',
    fixture: 'failed',
    visit: async (page) => {
      await help(page);
      await press(page, 'Save…');
      await page.getByText('firstlight-help.md').waitFor();
    },
  },
  { name: '04-step-broken', fixture: 'broken', visit: step('Install Git') },
  {
    name: '05-first-light',
    fixture: 'reached',
    visit: async (page) => {
      await page.evaluate(() =>
        window.notify({ kind: 'run', event: { type: 'first_value', step: 'serve', seconds: 11520 } }),
      );
      await page.getByRole('heading', { name: 'First light' }).waitFor();
    },
  },
  {
    name: '05-first-light-zoomed',
    fixture: 'reached',
    visit: async (page) => {
      await press(page, 'See where the time went');
      // What lies under a sky that fills the window can be reached.
      await page.getByRole('button', { name: 'Go on to Week 1' }).click({ trial: true });
    },
    ...ZOOMED,
  },
  { name: '06-credentials', fixture: 'working', visit: go('Credentials') },
  { name: '06-credentials-empty', fixture: 'empty', visit: go('Credentials') },
  { name: '06-credentials-broken', fixture: 'broken', visit: go('Credentials') },
  { name: '06-credentials-before', fixture: 'welcome', visit: go('Credentials') },
  { name: '07-privacy', fixture: 'working', visit: go('Privacy') },
  {
    name: '07-privacy-event',
    fixture: 'working',
    visit: async (page) => {
      await go('Privacy')(page);
      await page.getByText('dev.firstlight.step.completed').first().click();
      await press(page, 'Verify the journal');
      await page.getByText('1,204 records').waitFor();
    },
  },
  {
    name: '07-privacy-delete',
    fixture: 'working',
    visit: async (page) => {
      await go('Privacy')(page);
      await press(page, 'Delete everything');
    },
  },
  { name: '07-privacy-empty', fixture: 'empty', visit: go('Privacy') },
  { name: '07-privacy-broken', fixture: 'broken', visit: go('Privacy') },
  { name: '08-settings', fixture: 'working', visit: go('Settings') },
  { name: '08-settings-weak-none', fixture: 'reached', visit: lookInSettings },
  { name: '08-settings-weak-looking', fixture: 'weak-looking', visit: lookInSettings },
  { name: '08-settings-fix', fixture: 'working', visit: fix },
  { name: '08-settings-fix-small', fixture: 'working', visit: fix, viewport: SMALL },
  { name: '08-settings-fix-zoomed', fixture: 'working', visit: fix, ...ZOOMED },
  { name: '08-settings-fix-failed', fixture: 'fix-failed', visit: fixed },
  { name: '08-settings-fix-stale', fixture: 'fix-stale', visit: fixed },
  { name: '08-settings-fix-nothing', fixture: 'fix-nothing', visit: fix },
  { name: '08-settings-fixed', fixture: 'working', visit: fixed },
  { name: '08-settings-broken', fixture: 'broken', visit: go('Settings') },
  { name: '08-settings-update', fixture: 'update', visit: updates },
  { name: '08-settings-update-german', fixture: 'update', visit: updates, language: 'de' },
  { name: '08-settings-update-small', fixture: 'update', visit: updates, viewport: SMALL },
  { name: '08-settings-update-run', fixture: 'update-run', visit: updates },
  { name: '08-settings-update-way', fixture: 'update-way', visit: updates },
  { name: '08-settings-update-refused', fixture: 'update-forged', visit: updates },
  { name: '08-settings-update-apt', fixture: 'update-apt', visit: updates },
  { name: '03-today-update', fixture: 'reached', visit: notice },
  { name: '08-settings-zoomed', fixture: 'working', visit: go('Settings'), ...ZOOMED },
  { name: '09-docs', fixture: 'docs', visit: go('Documents') },
  { name: '09-docs-small', fixture: 'docs', visit: go('Documents'), viewport: SMALL },
  { name: '09-docs-zoomed', fixture: 'docs', visit: go('Documents'), ...ZOOMED },
  { name: '09-docs-found', fixture: 'docs', visit: searched('vpn') },
  { name: '09-docs-nothing', fixture: 'docs', visit: searched('unicorn') },
  { name: '09-docs-empty', fixture: 'docs-empty', visit: go('Documents') },
  { name: '09-docs-loading', fixture: 'docs-loading', visit: go('Documents') },
  { name: '09-docs-failed', fixture: 'docs-failed', visit: go('Documents') },
  { name: '09-docs-search-failed', fixture: 'docs-gone', visit: searched('vpn') },
  { name: '09-docs-before', fixture: 'docs-before', visit: go('Documents') },
  {
    name: '09-docs-offline',
    fixture: 'docs',
    visit: async (page) => {
      await page.context().setOffline(true);
      await searched('vpn')(page);
    },
  },
  { name: '09-doc', fixture: 'docs', visit: read },
  { name: '09-doc-small', fixture: 'docs', visit: read, viewport: SMALL },
  { name: '09-doc-zoomed', fixture: 'docs', visit: read, ...ZOOMED },
  { name: '09-doc-wide', fixture: 'docs', visit: read, viewport: { width: 1440, height: 900 } },
  { name: '09-doc-german', fixture: 'docs', visit: read, language: 'de' },
  { name: '09-doc-gone', fixture: 'docs-gone', visit: read },
  {
    name: '09-doc-heading',
    fixture: 'docs',
    visit: async (page) => {
      await read(page);
      await press(page, 'Where they run');
      await page.getByRole('heading', { name: 'Where they run' }).and(page.locator(':focus')).waitFor();
    },
  },
  { name: '10-projects', fixture: 'projects', visit: seek('Projects from templates') },
  {
    name: '10-projects-open',
    fixture: 'projects',
    visit: async (page) => {
      await press(page, 'See what is different');
      await page.getByText('5 files would differ').click();
      await page.getByText('And 3 more files.').scrollIntoViewIfNeeded();
    },
  },
  { name: '10-projects-small', fixture: 'projects', visit: seek('Projects from templates'), viewport: SMALL },
  { name: '10-projects-zoomed', fixture: 'projects', visit: seek('Projects from templates'), ...ZOOMED },
  { name: '10-projects-empty', fixture: 'docs', visit: seek('Projects from templates') },
  { name: '10-projects-failed', fixture: 'projects-failed', visit: seek('Projects from templates') },
  { name: '03-today-templates', fixture: 'projects' },
  { name: '11-survey', fixture: 'survey', visit: asked },
  { name: '11-survey-hard', fixture: 'survey', visit: hard },
  {
    name: '11-survey-leaving',
    fixture: 'survey',
    visit: async (page) => {
      await hard(page);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Go on answering' }).and(page.locator(':focus')).waitFor();
    },
  },
  {
    name: '11-survey-sent',
    fixture: 'survey',
    visit: async (page) => {
      await hard(page);
      await press(page, 'Send');
      await page.getByText(/^Thank you\. It is sent/).waitFor();
    },
  },
  {
    name: '11-survey-put-away',
    fixture: 'survey',
    visit: async (page) => {
      await asked(page);
      await press(page, 'Not now Esc');
      await page
        .getByText(/^Put away\. You are asked/)
        .first()
        .waitFor();
    },
  },
  {
    name: '11-survey-failed',
    fixture: 'survey-failed',
    visit: async (page) => {
      await hard(page);
      await press(page, 'Send');
      await page.getByText(/^The disk is full/).scrollIntoViewIfNeeded();
    },
  },
  { name: '11-survey-nps', fixture: 'survey-nps', visit: asked },
  { name: '11-survey-nps-small', fixture: 'survey-nps', visit: asked, viewport: SMALL },
  { name: '11-survey-nps-zoomed', fixture: 'survey-nps', visit: asked, ...ZOOMED },
  { name: '11-survey-nps-german', fixture: 'survey-nps', visit: asked, language: 'de' },
  { name: '11-survey-whole', fixture: 'survey-whole', visit: asked, viewport: { width: 1120, height: 1500 } },
  { name: '11-survey-sooner', fixture: 'survey-sooner', visit: asked },
  { name: '11-survey-waits', fixture: 'survey-waits', visit: asked },
  { name: '11-feedback', fixture: 'survey', visit: say },
  { name: '11-feedback-small', fixture: 'survey', visit: say, viewport: SMALL },
  { name: '11-feedback-zoomed', fixture: 'survey', visit: say, ...ZOOMED },
  { name: '11-feedback-paused', fixture: 'feedback-paused', visit: say },
  {
    name: '11-feedback-sent',
    fixture: 'survey',
    visit: async (page) => {
      await say(page);
      await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
      await page
        .getByRole('dialog')
        .getByText(/^Thank you/)
        .waitFor();
    },
  },
  {
    name: '11-feedback-palette',
    fixture: 'survey',
    visit: async (page) => {
      await page.keyboard.press('Control+k');
      await page.keyboard.type('your way');
    },
  },
  {
    name: '09-palette',
    fixture: 'working',
    visit: async (page) => {
      await page.keyboard.press('Control+k');
      await page.keyboard.type('re');
    },
  },
  { name: '11-insights', fixture: 'insights', page: 'hub' },
  { name: '11-insights-whole', fixture: 'insights', page: 'hub', viewport: WHOLE },
  {
    name: '11-insights-tables',
    fixture: 'insights',
    page: 'hub',
    viewport: WHOLE,
    visit: async (page) => {
      for (const button of await page.getByRole('button', { name: /^Table/ }).all()) await button.click();
      await page.getByRole('button', { name: 'Failed', exact: true }).click();
    },
  },
  {
    name: '11-insights-working-days',
    fixture: 'insights',
    page: 'hub',
    viewport: WHOLE,
    visit: async (page) => {
      await page.getByRole('combobox', { name: 'Persona', exact: true }).selectOption('data');
      await page.getByRole('combobox', { name: 'Counted in' }).selectOption('business');
      await page
        .getByRole('button', { name: /^Table/ })
        .first()
        .click();
    },
  },
  { name: '11-insights-german', fixture: 'insights', page: 'hub', viewport: WHOLE, language: 'de' },
  { name: '11-insights-small', fixture: 'insights', page: 'hub', viewport: SMALL },
  { name: '11-insights-zoomed', fixture: 'insights', page: 'hub', ...ZOOMED },
  { name: '11-insights-narrow', fixture: 'insights', page: 'hub', viewport: { width: 400, height: 4400 } },
  { name: '11-insights-few', fixture: 'insights-few', page: 'hub', viewport: WHOLE },
  { name: '11-insights-empty', fixture: 'insights-empty', page: 'hub', viewport: WHOLE },
  { name: '11-insights-loading', fixture: 'insights-loading', page: 'hub' },
  { name: '11-insights-offline', fixture: 'insights-offline', page: 'hub', viewport: WHOLE },
  { name: '11-insights-failed', fixture: 'insights-failed', page: 'hub', viewport: WHOLE },
  { name: '12-window-insights', fixture: 'insights', visit: insights },
  { name: '12-window-insights-small', fixture: 'insights', visit: insights, viewport: SMALL },
  { name: '12-window-insights-zoomed', fixture: 'insights', visit: insights, ...ZOOMED },
  { name: '12-window-insights-no-hub', fixture: 'insights-no-hub', visit: insights },
  { name: '12-window-insights-no-access', fixture: 'insights-no-access', visit: insights },
  { name: '13-queue', fixture: 'queue', page: 'hub' },
  { name: '13-queue-german', fixture: 'queue', page: 'hub', language: 'de' },
  { name: '13-queue-small', fixture: 'queue', page: 'hub', viewport: SMALL },
  { name: '13-queue-zoomed', fixture: 'queue', page: 'hub', ...ZOOMED },
  {
    name: '13-queue-narrow',
    fixture: 'queue',
    page: 'hub',
    viewport: { width: 400, height: 900 },
    visit: reply,
  },
  {
    name: '13-queue-all',
    fixture: 'queue',
    page: 'hub',
    viewport: { width: 1120, height: 1500 },
    visit: (page) => page.getByRole('radio', { name: /^All of the last/ }).check(),
  },
  { name: '13-queue-reply', fixture: 'queue', page: 'hub', visit: reply },
  {
    name: '13-queue-answered',
    fixture: 'queue',
    page: 'hub',
    visit: async (page) => {
      await reply(page);
      await page.getByLabel('Why not').fill('It comes with your contract; ask again on Monday.');
      await press(page, 'Send the answer');
      await page.getByText('said no').waitFor();
    },
  },
  {
    name: '13-queue-refused',
    fixture: 'queue-refused',
    page: 'hub',
    visit: async (page) => {
      await page.getByRole('button', { name: /^Answer.*Ask for VPN access$/ }).click();
      await press(page, 'Send the answer');
      await page.getByText('hub_refused').waitFor();
    },
  },
  { name: '13-queue-empty', fixture: 'queue-empty', page: 'hub' },
  { name: '13-queue-loading', fixture: 'queue-loading', page: 'hub' },
  { name: '13-queue-offline', fixture: 'queue-offline', page: 'hub' },
  { name: '13-queue-token', fixture: 'queue-token', page: 'hub' },
  { name: '13-queue-no-role', fixture: 'queue-no-role', page: 'hub' },
  { name: '11-insights-signin', fixture: 'insights-signin', page: 'hub' },
  { name: '11-insights-no-role', fixture: 'insights-no-role', page: 'hub' },
  {
    name: '11-insights-token',
    fixture: 'insights-token',
    page: 'hub',
    visit: async (page) => {
      await page.getByLabel('Access token').fill('made-up');
      await page.keyboard.press('Enter');
      await page.getByText('does not count').waitFor();
    },
  },
];
