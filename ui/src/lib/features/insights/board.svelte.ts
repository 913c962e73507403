// What the page asks and what it was told. Each panel asks one question and shows its own waiting and failing.
import type { ErrorBody, InsightsFilter } from '$lib/contract';
import type { Answer, Asked, Question, Source } from '$lib/platform/insights';
import { Action, Loader } from '$lib/shared/async.svelte';
import { isClosed, Memory, type Told } from '$lib/shared/told';
import type { Compared } from './releases';
import type { View } from './view';

/** One question of the page. */
export class Panel<K extends Asked> {
  question: Question<K>;
  readonly told: Loader<Told<Answer<K>>>;
  readonly saving = new Action();
  readonly #source: Source;
  #asked = false;
  readonly #memory = new Memory<Answer<K>>();

  constructor(source: Source, question: Question<K>) {
    this.#source = source;
    this.question = $state.raw(question);
    this.told = new Loader(() => this.#ask());
  }

  /** Asks this from now on; once, as long as it is answered. */
  show(question: Question<K>): void {
    const same = JSON.stringify(question) === JSON.stringify(this.question);
    if (same && this.#asked && this.told.state.kind !== 'failed') return;
    this.#asked = true;
    this.question = question;
    void this.told.load();
  }

  get wasAsked(): boolean {
    return this.#asked;
  }

  save(): Promise<boolean> {
    return this.saving.run(() => this.#source.save(this.question));
  }

  #ask(): Promise<Told<Answer<K>>> {
    const { question } = this;
    return this.#memory.ask(JSON.stringify(question), () => this.#source.ask<K>(question));
  }
}

export class Board {
  readonly filters: Panel<'filters'>;
  readonly summary: Panel<'summary'>;
  readonly ttfv: Panel<'ttfv'>;
  readonly steps: Panel<'steps'>;
  readonly funnel: Panel<'funnel'>;
  readonly activity: Panel<'activity'>;
  readonly services: Panel<'services'>;
  readonly scores: Panel<'scores'>;
  readonly surveys: Panel<'surveys'>;
  readonly retrospective: Panel<'retrospective'>;
  readonly sla: Panel<'sla'>;
  readonly completeness: Panel<'completeness'>;

  constructor(source: Source) {
    const filter: InsightsFilter = {};
    this.filters = new Panel(source, { question: 'filters' });
    this.summary = new Panel(source, { question: 'summary', filter });
    this.ttfv = new Panel(source, { question: 'ttfv', filter });
    this.steps = new Panel(source, { question: 'steps', filter });
    this.funnel = new Panel(source, { question: 'funnel', filter });
    this.activity = new Panel(source, { question: 'activity', filter });
    this.services = new Panel(source, { question: 'services', filter });
    this.scores = new Panel(source, { question: 'scores' });
    this.surveys = new Panel(source, { question: 'surveys' });
    this.retrospective = new Panel(source, { question: 'retrospective', pack: '', release: '', before: '' });
    this.sla = new Panel(source, { question: 'sla', filter });
    this.completeness = new Panel(source, { question: 'completeness' });
  }

  /** Asks what this view needs and was not asked yet. */
  show({ filter, by, value, time, quarter }: View): void {
    this.filters.show({ question: 'filters' });
    this.summary.show({ question: 'summary', filter });
    this.ttfv.show({
      question: 'ttfv',
      filter,
      ...(by === 'all' ? {} : { by }),
      ...(value === 'first_value' ? {} : { value }),
      ...(time === 'elapsed' ? {} : { time }),
    });
    this.steps.show({ question: 'steps', filter });
    this.funnel.show({ question: 'funnel', filter });
    this.activity.show({ question: 'activity', filter });
    this.services.show({ question: 'services', filter });
    this.scores.show({ question: 'scores' });
    this.surveys.show({ question: 'surveys', ...(quarter ? { quarter } : {}) });
    this.sla.show({ question: 'sla', filter });
    this.completeness.show({ question: 'completeness' });
  }

  /** Compares two releases, of everybody or of a persona. */
  compare({ before, after }: Compared, persona: string | undefined): void {
    this.retrospective.show({
      question: 'retrospective',
      pack: after.pack,
      release: after.version,
      before: before.version,
      ...(persona === undefined ? {} : { persona }),
    });
  }

  /** Asks everything again. */
  async again(): Promise<void> {
    const { filters, summary, ttfv, steps, funnel, activity, services, scores, surveys, sla, completeness } =
      this;
    const figures = [summary, ttfv, steps, funnel, activity, services, scores, surveys, sla, completeness];
    const asked = this.retrospective.wasAsked ? [this.retrospective] : [];
    await Promise.all([filters, ...figures, ...asked].map((panel) => panel.told.load()));
  }

  /** Why nothing at all is told, if so. */
  get closed(): ErrorBody | null {
    const { state } = this.filters.told;
    return state.kind === 'failed' && isClosed(state.error) ? state.error : null;
  }
}
