import type { Choice, InputField, PackOverview } from '$lib/contract';
import * as m from '$messages';

/** What the person answers before the plan, for one pack. */
export class WelcomeForm {
  persona = $state('');
  answers = $state<Record<string, string>>({});
  startDate = $state('');
  /** Whether what is missing is pointed out; not before the person tried to go on. */
  checked = $state(false);
  readonly pack: PackOverview;

  constructor(pack: PackOverview, before: Choice | null) {
    this.pack = pack;
    const kept = before && pack.personas.some((persona) => persona.id === before.persona) ? before : null;
    const only = pack.personas.length === 1 ? pack.personas[0]?.id : undefined;
    this.persona = kept?.persona ?? only ?? '';
    this.startDate = kept?.start_date ?? '';
    this.answers = Object.fromEntries(
      pack.inputs.map((input) => [input.name, kept?.inputs[input.name] ?? initial(input)]),
    );
  }

  /** What is wrong with the answer to one question, in words. */
  fault(input: InputField): string | null {
    const answer = (this.answers[input.name] ?? '').trim();
    if (answer === '') return m.input_missing();
    if (input.kind === 'number' && !Number.isFinite(Number(answer))) return m.input_not_a_number();
    return null;
  }

  get complete(): boolean {
    return this.persona !== '' && this.pack.inputs.every((input) => this.fault(input) === null);
  }

  choice(): Choice {
    const inputs = Object.fromEntries(
      this.pack.inputs.map((input) => [input.name, (this.answers[input.name] ?? '').trim()]),
    );
    return { persona: this.persona, inputs, ...(this.startDate ? { start_date: this.startDate } : {}) };
  }
}

function initial(input: InputField): string {
  if (input.default !== undefined) return input.default;
  return input.kind === 'boolean' ? 'false' : '';
}
