// What a chart says, in a sentence.
import type { FunnelStageName, TimeScale, TtfvCurves, ValueEvent } from '$lib/contract';
import { decimal, percent } from '$lib/shared/format';
import * as m from '$messages';
import { say, type Unit } from './figure';

/** Below this, chance would seldom make such a difference. */
const SELDOM = 0.05;

export function groupName(name: string): string {
  return name === 'all' ? m.insights_everybody() : name;
}

/** In what the curves' days are. */
export function unitOf({ time }: { time: TimeScale }): Unit {
  return time === 'business' ? 'working_days' : 'days';
}

/** What the curves show. */
export function curvesAbout({ value, time }: { value: ValueEvent; time: TimeScale }): string {
  const about = value === 'merged' ? m.insights_curves_merged_about() : m.insights_curves_about();
  return time === 'business' ? `${about} ${m.insights_time_business_about()}` : about;
}

/** Whether the curves differ, by the log-rank test. */
export function differ({ groups, logrank }: TtfvCurves): string {
  if (!logrank) return groups.length > 1 ? m.insights_differ_unknown() : '';
  const p = logrank.p < 0.001 ? '< 0.001' : `= ${logrank.p.toFixed(3)}`;
  return logrank.p < SELDOM ? m.insights_differ({ p }) : m.insights_differ_not({ p });
}

export function stageWord(stage: FunnelStageName): string {
  switch (stage) {
    case 'began':
      return m.insights_stage_began();
    case 'tried':
      return m.insights_stage_tried();
    case 'step_done':
      return m.insights_stage_step_done();
    case 'first_value':
      return m.insights_stage_first_value();
  }
}

/** The question's kind, as a person knows it. */
export function kindWord(kind: string): string {
  switch (kind) {
    case 'nps':
      return m.insights_nps();
    case 'csat':
      return m.insights_csat();
    case 'ces':
      return m.insights_ces();
    case 'choice':
      return m.insights_choice();
    default:
      return m.insights_text();
  }
}

/** A survey's figure in its own unit. */
export function score(kind: string, value: number): string {
  if (kind === 'nps') return say(value, 'points');
  return kind === 'csat' ? say(value, 'share') : decimal(value);
}

/** "99.7 % of produced events received." */
export function received(share: number | null): string {
  return share === null ? m.insights_received_none() : m.insights_received({ share: exact(share) });
}

/** A share of events: never rounded up to all of them. */
function exact(share: number): string {
  return percent(share >= 1 ? 1 : Math.min(share, 0.999));
}

/** What was answered: the hub's own words for groups of answers, otherwise the pack's. */
export function answerWord(answer: string): string {
  switch (answer) {
    case 'promoters':
      return m.insights_promoters();
    case 'passives':
      return m.insights_passives();
    case 'detractors':
      return m.insights_detractors();
    case 'satisfied':
      return m.insights_satisfied();
    case 'not_satisfied':
      return m.insights_not_satisfied();
    default:
      return answer;
  }
}
