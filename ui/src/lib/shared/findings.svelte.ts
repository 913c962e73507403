// What a person does with what advisories say: look again, read more, accept for a while.
import type { AcceptFinding, FindingSeverity, FindingView, ScanView } from '$lib/contract';
import * as m from '$messages';
import { Action } from './async.svelte';
import { words } from './argv';

/** What is asked of the core. */
export interface Core {
  scan: () => Promise<ScanView>;
  acceptFinding: (wanted: AcceptFinding) => Promise<unknown>;
  openAdvisory: (advisory: string) => Promise<unknown>;
}

export class Findings {
  readonly looking = new Action();
  readonly opening = new Action();
  readonly accepting = new Action();
  /** What was seen when somebody last looked here. */
  seen = $state.raw<ScanView | null>(null);
  /** What somebody is about to accept. */
  asked = $state.raw<FindingView | null>(null);
  until = $state('');
  because = $state('');
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  async look(): Promise<void> {
    await this.looking.run(async () => {
      this.seen = await this.#core.scan();
    });
  }

  async open(finding: FindingView): Promise<void> {
    await this.opening.run(() => this.#core.openAdvisory(finding.advisory));
  }

  ask(finding: FindingView): void {
    this.asked = finding;
    this.until = finding.acceptable_until ?? '';
    this.because = '';
    this.accepting.error = null;
  }

  close(): void {
    this.asked = null;
  }

  /** Whether enough is said to accept it. */
  get sure(): boolean {
    return this.until !== '' && this.because.trim() !== '';
  }

  async accept(): Promise<void> {
    const finding = this.asked;
    if (finding === null || !this.sure) return;
    const wanted = { advisory: finding.advisory, until: this.until, because: this.because.trim() };
    if (await this.accepting.run(() => this.#core.acceptFinding(wanted))) this.asked = null;
  }
}

const SEVERITIES: Record<FindingSeverity, () => string> = {
  critical: m.severity_critical,
  high: m.severity_high,
  moderate: m.severity_moderate,
  low: m.severity_low,
  unknown: m.severity_unknown,
};

export const severity = (finding: FindingView): string => SEVERITIES[finding.severity]();

/** How loud it is shown: what is accepted is quiet, whatever its severity. */
export function tone(finding: FindingView): 'bad' | 'warn' | 'muted' {
  if (finding.accepted) return 'muted';
  return finding.blocks || finding.severity === 'critical' || finding.severity === 'high' ? 'bad' : 'warn';
}

/** "in orders-service/web/package-lock.json" */
export function place(finding: FindingView): string {
  const { project } = finding;
  return project
    ? m.weak_in_project({ project: project.name, lockfile: project.lockfile })
    : m.weak_on_machine();
}

/** What to do about it, in words: the advisory's own, else the version that is free of it. */
export function fix(finding: FindingView): string {
  if (finding.advice !== undefined) return finding.advice;
  return finding.fixed === undefined ? m.weak_unfixed() : m.weak_fixed({ version: finding.fixed });
}

/** The command that brings that version, as one would type it. */
export function command(finding: FindingView): string | null {
  return finding.command.length === 0 ? null : words(finding.command).join(' ');
}

export function key(finding: FindingView): string {
  return [
    finding.advisory,
    finding.package,
    finding.version,
    finding.project?.folder,
    finding.project?.lockfile,
  ].join('\n');
}
