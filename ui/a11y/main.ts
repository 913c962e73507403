// The whole window on a made-up core, one scene of a first day at a time: `?scene=NAME&theme=dark&language=de`.
// Built by `npm run test:a11y` only; the app's own build knows nothing of it.
import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import '$lib/shared/tokens.css';
import '$lib/shared/base.css';
import { mount } from 'svelte';
import type { Launch, Notice, Theme } from '$lib/contract';
import { answers } from '$fixtures/answers';
import { appUpdate, newerApp } from '$fixtures/appUpdate';
import { fixes } from '$fixtures/doctor';
import {
  cutOff,
  failed,
  interrupted,
  left,
  newer,
  posture,
  reached,
  reading,
  refused,
  requesting,
  restarting,
  working,
} from '$fixtures/journeys';
import { launch } from '$fixtures/launch';
import { NOW, pack } from '$fixtures/pack';
import { logLines } from '$fixtures/step';
import { unsure, weak } from '$fixtures/findings';
import { projects } from '$fixtures/projects';
import { asking, recommend, surveyView, way, whole } from '$fixtures/surveys';
import { FakePlatform, refuse, type Answers } from '$fixtures/platform';
import { Session } from '$lib/features/app/session.svelte';
import App from '../src/App.svelte';

const query = new URLSearchParams(location.search);
const settings: Launch['settings'] = {
  theme: (query.get('theme') ?? 'light') as Theme,
  language: query.get('language') ?? 'en',
  reduce_motion: true,
  administrator: false,
  single_keys: true,
};

// The fixtures' day is told by a fixed clock that still moves, so that elapsed times look alike in every run.
const offset = NOW - Date.now();
const realNow = Date.now.bind(Date);
Date.now = () => realNow() + offset;

const nobody = [...pack.personas.slice(0, 1)];
const never = (): Promise<never> => new Promise(() => undefined);
const offline = refuse({ code: 'network', message: 'git.harbour.test does not answer.' });

const SCENES: Record<string, Answers> = {
  welcome: answers(null, { settings }),
  'welcome-one': answers(null, { settings, pack: { ...pack, personas: nobody, inputs: [] } }),
  'welcome-none': answers(null, {
    settings,
    pack: null,
    problem: {
      code: 'pack_invalid',
      message: 'The pack does not hold together: step “clone” needs “vnp”, which is not there.',
      hint: 'Did you mean “vpn”?',
      file: '/home/ada/packs/harbour/pack.yaml',
      line: 41,
    },
  }),
  'road-loading': { ...answers(null, { settings }), make_plan: never },
  'road-failed': { ...answers(null, { settings }), make_plan: offline },
  'road-stale': {
    ...answers(null, { settings }),
    start_run: refuse({ code: 'consent_stale', message: 'The plan is another one now.' }),
  },
  working: answers(working, { settings }),
  reading: answers(reading, { settings }),
  failed: answers(failed, { settings }),
  interrupted: answers(interrupted, { settings }),
  refused: answers(refused, { settings }),
  requesting: answers(requesting, { settings }),
  reached: answers(reached, { settings }),
  // What is asked at first value, at any other moment, and with every kind of question.
  survey: { ...answers(reached, { settings }), ...asking(way) },
  'survey-nps': { ...answers(reached, { settings }), ...asking(recommend) },
  'survey-whole': { ...answers(reached, { settings }), ...asking(whole) },
  'survey-sooner': {
    ...answers(reached, { settings }),
    ...asking(recommend),
    show_survey: () => ({ ...surveyView(recommend), sooner: 'The network is being rebuilt this week.' }),
  },
  'survey-waits': {
    ...answers(reached, { settings }),
    ...asking(way, { reach: 'waits_for_hub' }),
    answer_survey: ({ submission }) => ({ submission, reach: 'waits_for_hub' }),
  },
  'survey-failed': {
    ...answers(reached, { settings }),
    ...asking(way),
    answer_survey: refuse({
      code: 'disk_full',
      message: 'The disk is full, so your answers could not be kept.',
      hint: 'Make room and send them again.',
    }),
  },
  'feedback-paused': {
    ...answers(working, { settings }),
    surveys: () => ({ quiet: true, open: [], reach: 'stays_here' }),
    give_feedback: () => ({ submission: '01890a5d-ac96-774b-bcce-b302099a8057', reach: 'stays_here' }),
  },
  left: answers(left, { settings }),
  weak: answers(weak, { settings }),
  'weak-unsure': { ...answers(weak, { settings }), scan: () => unsure },
  'weak-broken': {
    ...answers(weak, { settings }),
    scan: refuse({ code: 'journal_damaged', message: 'The journal is damaged; it was set aside.' }),
  },
  'weak-looking': { ...answers(reached, { settings }), scan: never },
  restarting: answers(restarting, { settings }),
  'cut-off': answers(cutOff, { settings }),
  posture: answers(posture, { settings }),
  newer: answers(newer, { settings }),
  'help-loading': { ...answers(failed, { settings }), help_bundle: never },
  'help-failed': {
    ...answers(failed, { settings }),
    help_bundle: refuse({ code: 'internal', message: 'The log /home/ada/build.log cannot be read.' }),
  },
  'fix-failed': {
    ...answers(working, { settings }),
    fix: refuse({
      code: 'step_state',
      message: '/home/ada/.npmrc cannot be written: it is read-only.',
      hint: 'Make it writable, then try again.',
    }),
  },
  'fix-stale': {
    ...answers(working, { settings }),
    fix: refuse({ code: 'consent_stale', message: 'What would be set has changed since you saw the plan.' }),
  },
  'fix-nothing': {
    ...answers(working, { settings }),
    plan_fix: () => ({
      ...fixes,
      plan: { ...fixes.plan, steps: [], summary: { will_change: 0, ok: 0, unknown: 0, blocked: 0 } },
    }),
  },
  update: { ...answers(reached, { settings }), app_update: () => newerApp },
  'update-run': { ...answers(working, { settings }), app_update: () => newerApp },
  'update-way': {
    ...answers(reached, { settings }),
    app_update: () => ({
      ...newerApp,
      state: {
        kind: 'downloading',
        offer: { version: '0.2.0', notes: [] },
        received: 31_000_000,
        total: 48_000_000,
      },
    }),
  },
  'update-forged': {
    ...answers(reached, { settings }),
    app_update: () => ({
      ...newerApp,
      state: {
        kind: 'refused',
        error: {
          code: 'update_wrong_version',
          message: 'What is offered as version 9.0.0 was signed for version 0.0.9.',
          hint: 'Nothing was changed: the Firstlight you have goes on working. Tell whoever publishes Firstlight for you.',
        },
      },
    }),
  },
  'update-apt': {
    ...answers(reached, { settings }),
    app_update: () => ({ ...appUpdate, by: { kind: 'packages', manager: 'apt' } }),
  },
  empty: { ...answers(working, { settings }), credentials: () => [], privacy: emptyPrivacy },
  broken: {
    ...answers(working, { settings }),
    credentials: refuse({
      code: 'keychain_locked',
      message: 'The keychain is locked.',
      hint: 'Unlock it and try again.',
    }),
    privacy: refuse({ code: 'journal_damaged', message: 'The journal is damaged; it was set aside.' }),
    doctor: offline,
    step: refuse({ code: 'internal', message: 'Something went wrong that we did not foresee.' }),
  },
  docs: answers(working, { settings }),
  'docs-empty': { ...answers(working, { settings }), docs: () => ({ documents: [] }) },
  'docs-loading': { ...answers(working, { settings }), docs: never, doc: never },
  'docs-failed': {
    ...answers(working, { settings }),
    docs: refuse({
      code: 'pack_not_found',
      message: '/home/ada/packs/harbour cannot be read: permission denied.',
      hint: 'Check that the folder is there and that you may read it.',
    }),
  },
  'docs-gone': {
    ...answers(working, { settings }),
    search_docs: refuse({ code: 'internal', message: 'The documents cannot be searched: out of memory.' }),
    doc: refuse({
      code: 'usage',
      message: 'The pack has no document `docs/harbour.md`.',
      hint: '`firstlight docs list` names the documents there are.',
    }),
  },
  'docs-before': answers(null, { settings, pack: null }),
  insights: answers(working, { settings }),
  'insights-no-hub': {
    ...answers(working, { settings }),
    insights: refuse({ code: 'no_hub', message: 'This machine sends to no hub.' }),
  },
  'insights-no-access': {
    ...answers(working, { settings }),
    insights: refuse({
      code: 'hub_no_access',
      message: 'This machine has no access token for the hub’s figures.',
      hint: 'Ask whoever runs the hub for one, then run `firstlight hub access`.',
    }),
  },
  projects: { ...answers(reached, { settings }), templates: () => projects },
  'projects-failed': {
    ...answers(reached, { settings }),
    templates: refuse({ code: 'pack_invalid', message: 'The pack does not hold together.' }),
  },
  'no-start': {
    launch: refuse({
      code: 'home_not_writable',
      message: '/home/ada/.local/share/firstlight cannot be written: it is read-only.',
      hint: 'Set FIRSTLIGHT_HOME to a folder that you may write to.',
    }),
  },
};

function emptyPrivacy(): ReturnType<NonNullable<Answers['privacy']>> {
  return { sharing: 'paused', queued: [], held_back: [], sent: [], properties: [] };
}

const scene = query.get('scene') ?? 'welcome';
const platform = new FakePlatform(SCENES[scene] ?? { launch: () => ({ ...launch, settings }) });

// The runner speaks for the core through these.
declare global {
  interface Window {
    notify: (notice: Notice) => void;
    newerApp: typeof newerApp;
    /** Prints so many lines a second, for so many seconds; resolves with the longest frame in milliseconds. */
    flood: (step: string, perSecond: number, seconds: number) => Promise<number>;
  }
}
window.newerApp = newerApp;
window.notify = (notice) => platform.notify(notice);
window.flood = async (step, perSecond, seconds) => {
  const BATCHES = 50;
  const size = perSecond / BATCHES;
  let next = logLines.length;
  let longest = 0;
  let last = performance.now();
  let going = true;
  const watch = (time: number): void => {
    longest = Math.max(longest, time - last);
    last = time;
    if (going) requestAnimationFrame(watch);
  };
  requestAnimationFrame((time) => {
    last = time;
    requestAnimationFrame(watch);
  });
  const started = performance.now();
  for (let batch = 0; batch < BATCHES * seconds; batch++) {
    const due = started + ((batch + 1) * 1000) / BATCHES;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    const lines = Array.from({ length: size }, (_, at) => `\u001b[32mline\u001b[0m ${next + at}`);
    platform.notify({ kind: 'run', event: { type: 'log', step, first: next, lines } });
    next += size;
  }
  going = false;
  return longest;
};

mount(App, { target: document.body, props: { session: new Session(platform) } });
