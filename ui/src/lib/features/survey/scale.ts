// The places of a scale and the words at its ends.
import type { QuestionForm } from '$lib/contract';
import * as m from '$messages';

export interface Scale {
  places: number[];
  low: string;
  high: string;
}

/** None for what is no scale. */
export function scaleOf(form: QuestionForm): Scale | null {
  switch (form.form) {
    case 'nps':
      return { places: range(0, 10), low: m.scale_nps_low(), high: m.scale_nps_high() };
    case 'csat':
      return { places: range(1, 5), low: m.scale_csat_low(), high: m.scale_csat_high() };
    case 'ces':
      return { places: range(1, 7), low: m.scale_ces_low(), high: m.scale_ces_high() };
    case 'choice':
    case 'text':
      return null;
  }
}

/** What a place is called by ear: a number alone says nothing of its end. */
export function placeName({ places, low, high }: Scale, place: number): string {
  if (place === places[0]) return m.scale_end({ place, words: low });
  if (place === places.at(-1)) return m.scale_end({ place, words: high });
  return String(place);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}
