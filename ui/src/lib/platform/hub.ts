// A hub, as its own page asks it: same origin, whoever asks is in the session's cookie or on the hub's machine.
import type {
  Code,
  ErrorBody,
  InsightsFilter,
  QueuedRequest,
  ReplyGiven,
  RequestQueue,
  SessionAnswer,
  SessionRequest,
} from '$lib/contract';
import type { Answer, Asked, Question, Source } from './insights';

/** How a hub says no: `firstlight_contract::hub::Problem`. */
interface Problem {
  code: string;
  message: string;
  hint: string;
}

/** Where a question is asked. */
export function address(question: Question, format?: 'csv'): string {
  const asked = new URLSearchParams();
  const about = (filter: InsightsFilter): void => {
    for (const [name, value] of Object.entries(filter)) asked.set(name, value);
  };
  let path = `/v1/insights/${question.question}`;
  switch (question.question) {
    case 'filters':
    case 'completeness':
      break;
    case 'scores':
      path = '/v1/insights/surveys';
      break;
    case 'summary':
    case 'steps':
    case 'funnel':
    case 'activity':
    case 'services':
    case 'sla':
      about(question.filter);
      break;
    case 'ttfv':
      about(question.filter);
      if (question.by) asked.set('by', question.by);
      if (question.value) asked.set('value', question.value);
      if (question.time) asked.set('time', question.time);
      break;
    case 'retrospective':
      asked.set('pack', question.pack);
      asked.set('release', question.release);
      asked.set('before', question.before);
      if (question.persona) asked.set('persona', question.persona);
      break;
    case 'surveys':
      path = '/v1/surveys/results';
      if (question.quarter) asked.set('quarter', question.quarter);
  }
  if (format) asked.set('format', format);
  const query = asked.toString();
  return query === '' ? path : `${path}?${query}`;
}

/** What a hub's no means to a person who looks at its page. */
function code(status: number): Code {
  if (status === 401) return 'hub_no_access';
  if (status === 403) return 'hub_forbidden';
  return status === 408 || status === 429 || status >= 500 ? 'network' : 'hub_refused';
}

function isProblem(said: unknown): said is { error: Problem } {
  return typeof said === 'object' && said !== null && 'error' in said;
}

/** Asks the hub for JSON. Rejects with an `ErrorBody`. */
export async function fetchJson<T>(path: string, init: RequestInit = {}): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, headers: { accept: 'application/json', ...init.headers } });
  } catch {
    const offline: ErrorBody = { code: 'network', message: 'The hub does not answer.' };
    throw offline;
  }
  if (answer.status === 204) return undefined as T;
  const said = (await answer.json().catch(() => null)) as unknown;
  if (answer.ok && said !== null) return said as T;
  const problem = isProblem(said) ? said.error : null;
  const refused: ErrorBody = {
    code: answer.ok ? 'hub_refused' : code(answer.status),
    message: problem ? sentence(problem.message) : `The hub answers with status ${answer.status}.`,
    ...(problem ? { hint: problem.hint } : {}),
  };
  throw refused;
}

/** The hub begins its messages small and ends them without a stop. */
function sentence(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1) + (words.endsWith('.') ? '' : '.');
}

export const hub: Source = {
  ask<K extends Asked>(question: Question<K>): Promise<Answer<K>> {
    return fetchJson<Answer<K>>(address(question));
  },
  async save(question: Question): Promise<void> {
    const link = document.createElement('a');
    link.href = address(question, 'csv');
    link.download = `firstlight-${question.question}.csv`;
    link.click();
  },
};

/** Where people sign in and out of a hub. Everything rejects with an `ErrorBody`. */
export interface Door {
  standing(): Promise<SessionAnswer>;
  /** Where the identity provider asks who it is, and then leads back to this page. */
  provider(page: string): string;
  /** Exchanges an access token for a session. */
  enter(token: string): Promise<void>;
  leave(): Promise<void>;
}

const POST: RequestInit = { method: 'POST', headers: { 'content-type': 'application/json' } };

export const door: Door = {
  standing: () => fetchJson<SessionAnswer>('/v1/session'),
  provider: (page) => `/v1/signin?${new URLSearchParams({ return_to: page }).toString()}`,
  async enter(token: string): Promise<void> {
    const request: SessionRequest = { token };
    await fetchJson('/v1/session', { ...POST, body: JSON.stringify(request) });
  },
  async leave(): Promise<void> {
    await fetchJson('/v1/session/end', { ...POST, body: '{}' });
  },
};

/** What of a queue is looked at: what is open, or all of the last 400 days; of one owner, or of all somebody answers for. */
export interface Wanted {
  state: 'open' | 'all';
  owner: string | null;
}

/** Where those who are asked for something see it and answer. Everything rejects with an `ErrorBody`. */
export interface Desk {
  queue(wanted: Wanted): Promise<RequestQueue>;
  /** Answers once; what became of the request. */
  answer(id: string, given: ReplyGiven): Promise<QueuedRequest>;
}

export const desk: Desk = {
  queue({ state, owner }) {
    const asked = new URLSearchParams({ state, ...(owner === null ? {} : { owner }) });
    return fetchJson<RequestQueue>(`/v1/requests?${asked.toString()}`);
  },
  answer(id, given) {
    const path = `/v1/requests/${encodeURIComponent(id)}/answer`;
    return fetchJson<QueuedRequest>(path, { ...POST, body: JSON.stringify(given) });
  },
};
