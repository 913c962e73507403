// What a step's state is called and which sign stands beside it; nobody else decides that.
import type { NextAct, StepNews, StepStateView, StepView } from '$lib/contract';
import * as m from '$messages';

/** A state, and whether what it says was found to hold no more. */
export type Stated = StepStateView & { drifted?: string };

export type Tone = 'quiet' | 'act' | 'ok' | 'wait' | 'warn' | 'bad';

export function isDone(state: StepStateView): boolean {
  return state.state === 'satisfied' || state.state === 'changed' || state.state === 'skipped';
}

/** What a newer release of the pack is to a step, in a word. */
export function newsWord(news: StepNews): string {
  return news === 'new' ? m.news_new() : m.news_changed();
}

/** The one word for a state. */
export function stateWord(state: Stated): string {
  if (state.drifted !== undefined) return m.state_drifted();
  switch (state.state) {
    case 'pending':
      return m.state_pending();
    case 'ready':
      return m.state_ready();
    case 'running':
      return m.state_running();
    case 'satisfied':
      return m.state_satisfied();
    case 'changed':
      return m.state_changed();
    case 'failed':
      return m.state_failed();
    case 'blocked':
      return m.state_blocked();
    case 'waiting':
      if (state.waiting_for === 'restart') return m.state_restart();
      return state.waiting_for === 'you' ? m.state_your_turn() : m.state_waiting();
    case 'unknown':
      return m.state_unknown();
    case 'skipped':
      return m.state_skipped();
    case 'undone':
      return m.state_undone();
  }
}

export function stateTone(state: Stated): Tone {
  if (state.drifted !== undefined) return 'warn';
  switch (state.state) {
    case 'satisfied':
    case 'changed':
      return 'ok';
    case 'running':
      return 'act';
    case 'waiting':
      return 'wait';
    case 'failed':
      return 'bad';
    case 'blocked':
    case 'unknown':
      return 'warn';
    case 'pending':
    case 'ready':
    case 'skipped':
    case 'undone':
      return 'quiet';
  }
}

/** Why a step did not come to hold, or was not tried. */
export function reason(state: StepStateView): string | null {
  switch (state.state) {
    case 'failed':
      return state.cause;
    case 'blocked':
    case 'unknown':
    case 'skipped':
      return state.reason ?? null;
    case 'pending':
    case 'ready':
    case 'running':
    case 'satisfied':
    case 'changed':
    case 'waiting':
    case 'undone':
      return null;
  }
}

/** What a person can do with a step, if anything. */
export function actFor(step: StepView): NextAct | null {
  if (step.state === 'failed') return step.class === 'credential' ? 'enter_credential' : 'retry';
  // Nothing but the machine is in its way: once that is mended, somebody has to say so.
  if (step.state === 'blocked' && step.by.length === 0) return 'retry';
  // Whoever can look says whether it is tried again.
  if (step.state === 'unknown') return 'retry';
  // What the machine only looks at waits for whoever can change it.
  if (step.class === 'task' && step.state === 'waiting' && step.waiting_for === 'you') return 'confirm';
  if (step.class === 'task' || (step.state !== 'waiting' && step.state !== 'ready')) return null;
  if (step.class === 'credential') return 'enter_credential';
  switch (step.uses) {
    case 'read':
      return 'read';
    case 'link':
      return 'open';
    case 'confirm':
      return 'confirm';
    case 'request':
      return 'request';
    default:
      return null;
  }
}
