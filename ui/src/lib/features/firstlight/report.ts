// Time to first value in words, and as bars.
import type { ReportView, TimeKind, WaterfallPart } from '$lib/contract';
import { duration, list } from '$lib/shared/format';
import * as m from '$messages';

/** In the order in which a person asks: what did I do, what did the machine do, whom did I wait for. */
const ORDER: readonly TimeKind[] = ['hands_on', 'automatic', 'waiting', 'failing', 'away'];

export function timeWord(kind: TimeKind): string {
  switch (kind) {
    case 'automatic':
      return m.time_automatic();
    case 'failing':
      return m.time_failing();
    case 'hands_on':
      return m.time_hands_on();
    case 'waiting':
      return m.time_waiting();
    case 'away':
      return m.time_away();
  }
}

/** "3 h 12 min to first value: 41 min hands-on, 22 min automatic and 2 h 9 min waiting." */
export function sentence(report: ReportView): string {
  const total = duration(report.ttfv?.seconds ?? report.elapsed_seconds);
  const parts = ordered(report.waterfall).map((part) =>
    m.time_part({ duration: duration(part.seconds), kind: timeWord(part.kind) }),
  );
  if (!report.ttfv) return m.report_so_far({ duration: total, value: report.first_value });
  return parts.length === 0
    ? m.report_reached({ duration: total })
    : m.report_reached_parts({ duration: total, parts: list(parts) });
}

export interface Bar {
  kind: TimeKind;
  seconds: number;
  /** Where it begins and how long it is, as shares of the whole. */
  start: number;
  share: number;
}

/** One bar per kind of time that was spent, each beginning where the one before it ended. */
export function bars(report: ReportView): Bar[] {
  const parts = ordered(report.waterfall);
  const total = parts.reduce((sum, part) => sum + part.seconds, 0);
  let start = 0;
  return parts.map((part) => {
    const share = part.seconds / total;
    const bar = { ...part, start, share };
    start += share;
    return bar;
  });
}

function ordered(parts: readonly WaterfallPart[]): WaterfallPart[] {
  return ORDER.flatMap((kind) => parts.filter((part) => part.kind === kind && part.seconds > 0));
}
