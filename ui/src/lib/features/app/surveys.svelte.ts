// The survey in the window: the one that is shown, what is answered so far, what came of it. Whether one may be asked and
// which questions are seen is the core's to say, each time; what is answered is kept nowhere before it is sent.
import { untrack } from 'svelte';
import type { AnswerGiven, QuestionView, SurveyReach, SurveysView, SurveyView } from '$lib/contract';
import type { Platform } from '$lib/platform/index';
import { Action } from '$lib/shared/async.svelte';
import { toErrorBody } from '$lib/shared/failure';
import * as m from '$messages';

/** What came of the last one, said until the person goes on. */
export type Outcome = { kind: 'sent'; reach: SurveyReach } | { kind: 'put_away'; begun: boolean };

type Answers = Record<string, AnswerGiven>;

export class Surveys {
  /** What the core said last. */
  known = $state.raw<SurveysView | null>(null);
  /** The survey that is shown. */
  view = $state.raw<SurveyView | null>(null);
  /** Its questions, as far as they are seen. */
  questions = $state.raw<QuestionView[]>([]);
  answers = $state.raw<Answers>({});
  outcome = $state.raw<Outcome | null>(null);
  /** Whether the person asked for it, and it takes the keyboard. */
  called = $state(false);
  readonly sending = new Action();
  /** Asking which questions are seen; putting away. What goes wrong is said where the answers are. */
  readonly asking = new Action();
  readonly #call: Platform['call'];
  readonly #say: (words: string) => void;
  #looking = false;
  #wanted = false;
  #turn = 0;
  #seen: Promise<void> = Promise.resolve();

  constructor(call: Platform['call'], say: (words: string) => void) {
    this.#call = call;
    this.#say = say;
  }

  /** Whether anything is answered that would be lost. */
  get begun(): boolean {
    return this.questions.some(({ id }) => id in this.answers);
  }

  /** Whether it is on the screen. While something needs the person, one that they neither wanted nor began steps aside. */
  get isVisible(): boolean {
    return this.view !== null && (this.known?.quiet !== false || this.#wanted || this.begun);
  }

  /** Asks the core, and shows what is due. */
  look(): Promise<void> {
    return untrack(() => this.#look());
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      this.known = await this.#call('surveys', {});
      // Shown and not ended while nothing is here: the window was drawn anew.
      const next = this.known.shown ?? this.known.due;
      if (this.view !== null || !next) return;
      await this.#show(next.id, false);
      this.#say(m.survey_appeared({ title: next.title }));
    } catch {
      // Nobody asked for a survey: that none can be shown is no news to anybody.
    } finally {
      this.#looking = false;
    }
  }

  /** The person wants to answer this one. */
  async open(survey: string): Promise<void> {
    if (this.view?.id !== survey) {
      if (this.view) await this.putAway();
      await this.#show(survey, true);
    }
    this.#wanted = true;
    this.called = true;
  }

  async #show(survey: string, wanted: boolean): Promise<void> {
    const view = await this.#call('show_survey', { survey });
    this.#turn++;
    this.#wanted = wanted;
    this.view = view;
    this.questions = view.questions;
    this.answers = {};
    this.outcome = null;
    this.sending.error = null;
    this.asking.error = null;
  }

  /** Takes an answer, or takes it back, and asks which questions are seen now. */
  answer(question: string, given: AnswerGiven | null): void {
    const { [question]: _, ...others } = this.answers;
    this.answers = given ? { ...others, [question]: given } : others;
    this.#seen = this.#see();
  }

  async #see(): Promise<void> {
    const { view } = this;
    if (!view) return;
    const turn = ++this.#turn;
    const given = { submission: view.submission, answers: this.answers };
    try {
      const { questions } = await this.#call('survey_questions', given);
      // An answer that was overtaken by a later one is dropped.
      if (turn !== this.#turn) return;
      this.questions = questions;
    } catch (thrown) {
      if (turn === this.#turn) this.asking.error = toErrorBody(thrown);
    }
  }

  /** Those to questions on the screen. One that went out of sight may come back as it was, and is not sent until then. */
  #seenAnswers(): Answers {
    return Object.fromEntries(
      this.questions.flatMap(({ id }) => {
        const given = this.answers[id];
        return given ? [[id, given]] : [];
      }),
    );
  }

  async send(): Promise<boolean> {
    await this.#seen;
    const { view } = this;
    if (!view || !this.begun) return false;
    return this.sending.run(async () => {
      const answers = this.#seenAnswers();
      const { reach } = await this.#call('answer_survey', { submission: view.submission, answers });
      this.#end({ kind: 'sent', reach });
      this.#say(m.survey_thanks());
    });
  }

  async putAway(): Promise<boolean> {
    const { view, begun } = this;
    if (!view) return false;
    return this.asking.run(async () => {
      await this.#call('put_survey_away', { submission: view.submission, begun });
      this.#end({ kind: 'put_away', begun });
      this.#say(m.survey_put_away());
    });
  }

  /** There is no journey any more that could be asked about. */
  forget(): void {
    this.#end(null);
    this.known = null;
  }

  #end(outcome: Outcome | null): void {
    this.#turn++;
    this.view = null;
    this.questions = [];
    this.answers = {};
    this.outcome = outcome;
  }
}
