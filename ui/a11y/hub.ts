// The page that a hub serves, on a made-up hub: `?scene=NAME`. Language and theme are the browser's.
import '@fontsource-variable/inter/wght.css';
import '$lib/shared/tokens.css';
import '$lib/shared/base.css';
import { mount } from 'svelte';
import type { Code, SessionAnswer } from '$lib/contract';
import { always, FakeSource, hidden, says, suppressed } from '$fixtures/insights';
import * as said from '$fixtures/insights';
import { NOW } from '$fixtures/pack';
import { FakeDesk } from '$fixtures/queue';
import type { Door } from '$lib/platform/hub';
import HubPage from '../src/HubPage.svelte';

const offset = NOW - Date.now();
const realNow = Date.now.bind(Date);
Date.now = () => realNow() + offset;

const never = (): Promise<never> => new Promise(() => undefined);
const offline = says({ code: 'network', message: 'The hub does not answer.' });

const closed = (code: Code): FakeSource =>
  new FakeSource(always(says({ code, message: 'This needs the role viewer or one that includes it.' })));

const SCENES: Record<string, FakeSource> = {
  insights: new FakeSource(),
  'insights-loading': new FakeSource(always(never)),
  'insights-offline': new FakeSource(always(offline)),
  'insights-failed': new FakeSource({
    ttfv: says({
      code: 'hub_refused',
      message: '`release` is not written like acme@3.2.0.',
      hint: 'See /openapi.json for what is asked for.',
    }),
    summary: offline,
  }),
  'insights-token': closed('hub_no_access'),
  'insights-signin': closed('hub_no_access'),
  'insights-no-role': closed('hub_forbidden'),
  'insights-few': new FakeSource({
    filters: () => ({ personas: [], releases: [], periods: [], teams: [] }),
    summary: ({ filter }) => ({
      filter,
      adoption: { organisation: suppressed, could_help: suppressed, use_it: suppressed },
      ttfv: hidden.figures,
      active: { day: '2026-11-26', daily: suppressed, weekly: suppressed, monthly: suppressed },
      stickiness: suppressed,
      step_failure: suppressed,
    }),
    ttfv: ({ filter }) => ({
      filter,
      value: 'first_value',
      time: 'elapsed',
      groups: [hidden],
      logrank: null,
    }),
    steps: ({ filter }) => ({ filter, steps: said.steps().steps.slice(-1) }),
    funnel: ({ filter }) => ({
      filter,
      stages: said.funnel().stages.map(({ stage }) => ({ stage, reached: suppressed })),
      under_way: suppressed,
    }),
  }),
  'insights-empty': new FakeSource({
    filters: () => ({ personas: [], releases: [], periods: [], teams: [] }),
    summary: ({ filter }) => ({
      filter,
      adoption: { organisation: said.notEnough, could_help: said.notEnough, use_it: said.notEnough },
      ttfv: Object.fromEntries(
        Object.keys(hidden.figures).map((name) => [name, said.notEnough]),
      ) as typeof hidden.figures,
      active: { day: null, daily: said.notEnough, weekly: said.notEnough, monthly: said.notEnough },
      stickiness: said.notEnough,
      step_failure: said.notEnough,
    }),
    ttfv: ({ filter }) => ({ filter, value: 'first_value', time: 'elapsed', groups: [], logrank: null }),
    steps: ({ filter }) => ({ filter, steps: [] }),
    funnel: ({ filter }) => ({
      filter,
      stages: said.funnel().stages.map(({ stage }) => ({ stage, reached: said.notEnough })),
      under_way: said.notEnough,
    }),
    activity: ({ filter }) => ({ filter, days: [] }),
    services: ({ filter }) => ({ filter, until: null, services: [], hidden: 0 }),
    scores: () => ({ quarters: [] }),
    surveys: () => ({ ...said.surveys, surveys: [] }),
    sla: ({ filter }) => ({ filter, overall: said.notEnough, owners: [] }),
    completeness: () => ({
      as_of: null,
      devices: 0,
      devices_heard: 0,
      produced: 0,
      accepted: 0,
      refused: 0,
      missing: 0,
      received_share: null,
      journeys: 0,
      journeys_without_beginning: 0,
      journeys_without_clock: 0,
    }),
  }),
};

const refusing = (code: Code, message: string): FakeDesk =>
  Object.assign(new FakeDesk(), { no: { code, message } });
const DESKS: Record<string, FakeDesk> = {
  'queue-empty': new FakeDesk([]),
  'queue-loading': Object.assign(new FakeDesk(), { queue: never }),
  'queue-offline': refusing('network', 'The hub does not answer.'),
  'queue-token': refusing('hub_no_access', 'This needs to be signed in.'),
  'queue-no-role': refusing('hub_forbidden', 'This needs the role step-owner or one that includes it.'),
};
// Answers cannot be sent there, and the list stands.
const refused = new FakeDesk();
refused.answer = () =>
  Promise.reject<never>({
    code: 'hub_refused',
    message: 'This request was answered, granted or withdrawn before.',
  });
DESKS['queue-refused'] = refused;

const nobody: SessionAnswer = { session: null, oidc: false, contact: 'the platform team' };
const DOORS: Record<string, SessionAnswer> = {
  'insights-signin': { ...nobody, oidc: true },
  'insights-no-role': {
    ...nobody,
    session: { person: 7, roles: ['step-owner:it-helpdesk'], expires_at: '2026-11-26T20:00:00Z' },
  },
  'queue-no-role': {
    ...nobody,
    session: { person: 8, roles: ['viewer'], expires_at: '2026-11-26T20:00:00Z' },
  },
};

const query = new URLSearchParams(location.search);
const scene = query.get('scene') ?? 'insights';
const source = SCENES[scene] ?? new FakeSource();
const door: Door = {
  standing: () => Promise.resolve(DOORS[scene] ?? nobody),
  provider: (page) => `/v1/signin?return_to=${encodeURIComponent(page)}`,
  enter: says({
    code: 'hub_no_access',
    message: 'This access token does not count.',
    hint: 'Ask the platform team for a new one.',
  }),
  leave: () => Promise.resolve(),
};
const place = scene.startsWith('queue') ? 'queue' : 'insights';
const desk = DESKS[scene] ?? new FakeDesk();
mount(HubPage, { target: document.body, props: { place, source, desk, door } });
