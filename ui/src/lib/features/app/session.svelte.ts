// The one store of truth in the window: what the core said last. It loads once, then follows notices. It decides
// nothing: every method asks the core and keeps the answer.
import type {
  AcceptFinding,
  AppUpdateView,
  Choice,
  CredentialView,
  ErrorBody,
  JourneyView,
  Launch,
  Notice,
  PackOverview,
  RunEvent,
  ScanView,
  Settings,
  StepView,
  UpdateView,
} from '$lib/contract';
import type { Platform } from '$lib/platform/index';
import { toErrorBody } from '$lib/shared/failure';
import { duration } from '$lib/shared/format';
import { LogBuffer } from '$lib/shared/log/buffer.svelte';
import { isDone, stateWord } from '$lib/shared/step';
import * as m from '$messages';
import { Surveys } from './surveys.svelte';

export type Status =
  { kind: 'loading' } | { kind: 'ready'; launch: Launch } | { kind: 'failed'; error: ErrorBody };

export type FinishedRun = Extract<RunEvent, { type: 'finished' }>;
type StepEvent = Extract<RunEvent, { type: 'step' }>;

export class Session {
  status = $state.raw<Status>({ kind: 'loading' });
  pack = $state.raw<PackOverview | null>(null);
  journey = $state.raw<JourneyView | null>(null);
  settings = $state.raw<Settings>({
    theme: 'system',
    language: '',
    reduce_motion: false,
    single_keys: true,
    administrator: false,
  });
  /** What went wrong while nobody waited for an answer, until it is dismissed. */
  problem = $state.raw<ErrorBody | null>(null);
  /** How this machine stands with the releases of its pack. */
  releases = $state.raw<UpdateView | null>(null);
  /** How it stands with the app's own updates; nothing until somebody asked, or the core said so. */
  appUpdate = $state.raw<AppUpdateView | null>(null);
  /** The newer version that the person does not want to hear of now. */
  notNow = $state<string | null>(null);
  /** The version of a release that was received while the window was open, until it is looked at or dismissed. */
  received = $state<string | null>(null);
  /** A pack that a link brought while a journey was under way. */
  offered = $state.raw<PackOverview | null>(null);
  /** Who the person said they are; kept from Welcome to Road. */
  choice = $state.raw<Choice | null>(null);
  lastRun = $state.raw<FinishedRun | null>(null);
  /** Whether the system asks for administrator rights now, in a window of its own. */
  asksForRights = $state(false);
  /** For people who listen to the screen: the last thing that happened. */
  announcement = $state('');
  /** Told once, at the moment first value is verified. */
  onFirstValue: (() => void) | null = null;

  readonly surveys: Surveys;
  readonly #platform: Platform;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- each buffer says itself when it moved
  readonly #logs = new Map<string, LogBuffer>();
  #starting: Promise<void> | null = null;
  #revision = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.surveys = new Surveys(this.call, (words) => (this.announcement = words));
  }

  get call(): Platform['call'] {
    return this.#platform.call.bind(this.#platform);
  }

  image(path: string): string {
    return this.#platform.image(path);
  }

  /**
   * Listens and loads, once at a time: whoever asks meanwhile waits for the same answer. Takes over an answer that was
   * asked for earlier.
   */
  start(launching?: Promise<Launch>): Promise<void> {
    this.#starting ??= this.#start(launching).finally(() => (this.#starting = null));
    return this.#starting;
  }

  /** Both at once: the core keeps what it says until somebody listens, and views know which is newer. */
  async #start(launching?: Promise<Launch>): Promise<void> {
    this.status = { kind: 'loading' };
    try {
      const listening = this.#platform.listen((notice) => this.hear(notice));
      const [launch] = await Promise.all([launching ?? this.call('launch', {}), listening]);
      this.#take(launch);
    } catch (thrown) {
      this.status = { kind: 'failed', error: toErrorBody(thrown) };
    }
  }

  hear(notice: Notice): void {
    switch (notice.kind) {
      case 'run':
        return this.#follow(notice.event);
      case 'journey':
        return this.#stand(notice.journey);
      case 'pack':
        if (this.journey) this.offered = notice.pack;
        else this.pack = notice.pack;
        return;
      case 'releases':
        this.releases = notice.update;
        if (notice.update.taken) this.received = notice.update.current?.version ?? null;
        return;
      case 'app_update':
        this.appUpdate = notice.update;
        return;
      case 'problem':
        this.problem = notice.error;
        return;
    }
  }

  /** The newer version of the app to say something about: never during a run, and not again after a no. */
  get newVersion(): string | null {
    const state = this.appUpdate?.state;
    if (state?.kind !== 'available' || this.journey?.running) return null;
    return state.offer.version === this.notNow ? null : state.offer.version;
  }

  step(id: string): StepView | undefined {
    return this.journey?.steps.find((step) => step.id === id);
  }

  log(step: string): LogBuffer {
    let log = this.#logs.get(step);
    if (!log) {
      log = new LogBuffer((first, count) => this.call('step_log', { step, first, count }));
      this.#logs.set(step, log);
    }
    return log;
  }

  async startRun(choice: Choice, consent: string): Promise<void> {
    this.lastRun = null;
    this.#stand(await this.call('start_run', { choice, consent }));
  }

  async cancelRun(): Promise<void> {
    await this.call('cancel_run', {});
  }

  async retry(step: string): Promise<void> {
    this.lastRun = null;
    this.#stand(await this.call('retry_step', { step }));
  }

  async complete(step: string): Promise<void> {
    this.#stand(await this.call('complete_action', { step }));
  }

  async followUpDone(step: string): Promise<void> {
    this.#stand(await this.call('follow_up_done', { step }));
  }

  scan(): Promise<ScanView> {
    return this.call('scan', {});
  }

  async acceptFinding(wanted: AcceptFinding): Promise<void> {
    this.#stand(await this.call('accept_finding', wanted));
  }

  async openAdvisory(advisory: string): Promise<void> {
    await this.call('open_advisory', { advisory });
  }

  async undo(step: string): Promise<void> {
    this.#stand(await this.call('undo_step', { step }));
  }

  async openLink(step: string): Promise<void> {
    await this.call('open_link', { step });
  }

  async storeCredential(name: string, value: string): Promise<CredentialView> {
    return this.#thenJourney(await this.call('store_credential', { name, value }));
  }

  async generateCredential(name: string): Promise<CredentialView> {
    return this.#thenJourney(await this.call('generate_credential', { name }));
  }

  async removeCredential(name: string): Promise<CredentialView> {
    return this.#thenJourney(await this.call('remove_credential', { name }));
  }

  async choosePack(): Promise<void> {
    const pack = await this.call('choose_pack', {});
    if (pack) this.pack = pack;
  }

  async useSample(): Promise<void> {
    this.pack = await this.call('use_sample', {});
  }

  /** From here on the release that was received is the pack that is planned. */
  async useRelease(): Promise<void> {
    this.pack = await this.call('use_release', {});
    this.received = null;
  }

  async leave(): Promise<void> {
    await this.call('leave_journey', {});
    this.#forget();
    if (this.offered) this.pack = this.offered;
    this.offered = null;
  }

  async deleteEverything(): Promise<void> {
    await this.call('delete_data', {});
    this.#forget();
    this.offered = null;
    this.#take(await this.call('launch', {}));
  }

  async save(settings: Settings): Promise<void> {
    this.settings = await this.call('save_settings', settings);
  }

  #take(launch: Launch): void {
    this.settings = launch.settings;
    this.pack = launch.pack;
    if (launch.journey) this.#stand(launch.journey);
    this.problem = launch.problem;
    this.releases = launch.releases;
    this.status = { kind: 'ready', launch };
  }

  /** Answers and notices may overtake each other on their way: an older view never replaces a newer one. */
  #stand(journey: JourneyView): void {
    if (journey.revision < this.#revision) return;
    this.#revision = journey.revision;
    this.journey = journey;
  }

  #forget(): void {
    this.journey = null;
    this.choice = null;
    this.surveys.forget();
    this.lastRun = null;
    this.#logs.clear();
  }

  /** A credential may end a step; where the person stands is then asked again. */
  async #thenJourney(view: CredentialView): Promise<CredentialView> {
    if (this.journey) this.#stand(await this.call('journey', {}));
    return view;
  }

  #follow(event: RunEvent): void {
    switch (event.type) {
      case 'started':
        this.lastRun = null;
        this.announcement = m.announce_started();
        return;
      case 'step':
        return this.#enter(event);
      case 'log':
        this.log(event.step).append(event.first, event.lines);
        return;
      case 'administrator_rights':
        this.asksForRights = event.asking;
        if (event.asking) this.announcement = m.announce_rights();
        return;
      case 'still_running':
        this.announcement = m.announce_still({
          title: this.step(event.step)?.title ?? event.step,
          duration: duration(event.seconds),
        });
        return;
      case 'first_value':
        this.announcement = m.announce_first_value();
        this.onFirstValue?.();
        return;
      case 'finished':
        this.lastRun = event;
        this.asksForRights = false;
        if (this.journey) this.journey = { ...this.journey, running: false };
        this.announcement = event.cancelled
          ? m.announce_cancelled()
          : event.failed.length > 0
            ? m.announce_failed({ count: event.failed.length })
            : m.announce_finished();
        return;
    }
  }

  /** A step's state changed; the journey notice with everything derived from it follows. */
  #enter(event: StepEvent): void {
    const { type: _type, step: id, ...entered } = event;
    this.announcement = m.announce_step({ title: event.title, state: stateWord(event) });
    // Only what runs has a log of its own: a retry that is refused, or finds the step done, leaves the last one.
    if (event.state === 'running') this.#logs.get(id)?.restart();
    if (!this.journey) return;
    const steps = this.journey.steps.map((step): StepView => {
      if (step.id !== id) return step;
      const { id: _, title, stage, class: kind, uses, first_value, best_effort, news } = step;
      const estimate = step.estimate_seconds === undefined ? {} : { estimate_seconds: step.estimate_seconds };
      const kept = news === undefined || isDone(entered) ? {} : { news };
      return {
        id,
        stage,
        class: kind,
        uses,
        first_value,
        best_effort,
        ...kept,
        ...estimate,
        ...entered,
        title,
      };
    });
    this.journey = { ...this.journey, steps };
  }
}
