//! A journey, derived from its events: what state each step is in, whether a run goes on, when the clock stopped, and
//! where the time went.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    event::{Clock, Event, Happened, RunEnd},
    id::{CredentialName, JourneyId, PersonaId, RunId, StepId},
    pack::PackRef,
    plan::ConsentHash,
    state::{Failure, StepState, WaitsOn},
    waterfall::{Kind, Stretch},
};

/// Everything on this machine that is derived from the journal: the journey at hand, credentials, the decision on
/// sharing. Feed it every event in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    /// The journey at hand, if one has begun and was not left.
    pub journey: Option<Journey>,
    /// Credentials known, by name.
    pub credentials: BTreeMap<CredentialName, Credential>,
    /// What the doctor set outside of any journey and has not taken back.
    pub fixes: BTreeMap<StepId, FixRecord>,
    /// Whether events may be sent; off until the person says so.
    pub sharing: bool,
}

/// What is known of something the doctor set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FixRecord {
    /// Receipts not yet used by an undo, oldest first.
    pub receipts: Vec<Value>,
    /// Why it does not hold, if it was tried and failed.
    pub failure: Option<Failure>,
}

/// What is known of a credential outside the keychain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// Who issues it.
    pub issuer: Option<String>,
    /// When it was stored; none once removed.
    pub stored_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// The last trial: when, whether accepted, why not.
    pub last_test: Option<(Timestamp, bool, Option<String>)>,
}

/// One person's run through one checklist.
#[derive(Debug, Clone, PartialEq)]
pub struct Journey {
    /// Its id.
    pub id: JourneyId,
    /// Which pack.
    pub pack: PackRef,
    /// Where the pack was read from.
    pub pack_path: String,
    /// Which persona.
    pub persona: PersonaId,
    /// What was answered.
    pub inputs: BTreeMap<String, Value>,
    /// When the clock started.
    pub clock: Clock,
    /// When first value was verified, and by which step.
    pub reached: Option<(Timestamp, StepId)>,
    /// The run going on. Found at start-up, it was cut off.
    pub run: Option<RunId>,
    /// What was last agreed to, for the pack content named by `pack`.
    pub consent: Option<ConsentHash>,
    /// Steps that something has happened to.
    pub steps: BTreeMap<StepId, StepRecord>,
    /// When the machine slept in the middle of a run.
    slept: Vec<(Timestamp, Timestamp)>,
    receipts_kept: u32,
}

/// What has happened to one step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepRecord {
    /// Every state it was in, oldest first.
    pub moments: Vec<(Timestamp, StepState)>,
    /// Hashes of what was done with success: a step without a check is not done twice.
    pub done: Vec<ConsentHash>,
    /// Receipts not yet used by an undo, oldest first.
    pub receipts: Vec<Receipt>,
    /// The last run in which it ran; its log lies there. A run that only looked at it wrote none.
    pub last_run: Option<RunId>,
    /// Whether it ran when the program was killed, and has not run to an end since: what it did is not known.
    pub cut_off: bool,
}

/// What a step kept before it changed something.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// Its number in the journey: what was changed last is taken back first.
    pub number: u32,
    /// In its provider's words.
    pub content: Value,
}

impl StepRecord {
    /// What it last gave to later steps, though it may have been taken back since.
    pub fn last_outputs(&self) -> Option<&BTreeMap<String, String>> {
        self.moments.iter().rev().find_map(|(_, state)| state.outputs())
    }

    /// The state it is in and since when.
    pub fn now(&self) -> Option<&(Timestamp, StepState)> {
        self.moments.last()
    }

    /// Whether it was running in this run and is to be looked at again, as after a kill.
    fn ran_to_no_end(&self, run: RunId) -> bool {
        let last = self.moments.iter().rev().map(|(_, state)| state);
        self.last_run == Some(run) && last.take(2).eq([&StepState::Ready, &StepState::Running])
    }

    /// From when to when it last ran to its end.
    fn last_ran(&self) -> Option<(Timestamp, Timestamp)> {
        let ran = |pair: &&[(Timestamp, StepState)]| {
            matches!(pair, [(_, StepState::Running), (_, StepState::Changed { .. })])
        };
        let pair = self.moments.windows(2).rfind(ran)?;
        let [(from, _), (to, _)] = pair else { return None };
        (from <= to).then_some((*from, *to))
    }
}

impl World {
    /// Derives everything from the events, oldest first.
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a Happened>) -> Self {
        let mut world = Self::default();
        for happened in events {
            world.apply(happened);
        }
        world
    }

    /// Takes in one more event.
    pub fn apply(&mut self, happened: &Happened) {
        let at = happened.at;
        match &happened.event {
            Event::JourneyStarted { journey, pack, pack_path, persona, inputs, clock } => {
                self.journey = Some(Journey {
                    id: *journey,
                    pack: pack.clone(),
                    pack_path: pack_path.clone(),
                    persona: persona.clone(),
                    inputs: inputs.clone(),
                    clock: *clock,
                    reached: None,
                    run: None,
                    consent: None,
                    steps: BTreeMap::new(),
                    slept: Vec::new(),
                    receipts_kept: 0,
                });
            }
            Event::JourneyLeft { journey } => {
                self.journey.take_if(|current| current.id == *journey);
            }
            Event::CredentialStored { name, issuer, expires_at } => {
                let credential = self.credentials.entry(name.clone()).or_default();
                credential.issuer.clone_from(issuer);
                credential.stored_at = Some(at);
                credential.expires_at = *expires_at;
            }
            Event::CredentialTested { name, ok, reason } => {
                self.credentials.entry(name.clone()).or_default().last_test = Some((at, *ok, reason.clone()));
            }
            Event::CredentialRemoved { name } => {
                self.credentials.remove(name);
            }
            Event::FixReceiptKept { fix, receipt } => {
                self.fixes.entry(fix.clone()).or_default().receipts.push(receipt.clone());
            }
            Event::FixEnded { fix, failure } => {
                self.fixes.entry(fix.clone()).or_default().failure.clone_from(failure);
            }
            Event::FixUndone { fix } => {
                self.fixes.remove(fix);
            }
            Event::FixAgreed { .. } => {}
            Event::SharingChanged { on } => self.sharing = *on,
            Event::RunStarted { .. }
            | Event::StepChanged { .. }
            | Event::ReceiptKept { .. }
            | Event::FirstValueReached { .. }
            | Event::MachineSlept { .. }
            | Event::RunFinished { .. } => {
                if let Some(journey) = &mut self.journey {
                    journey.apply(at, &happened.event);
                }
            }
        }
    }
}

/// Takes in events as they are read, oldest first.
impl Extend<Happened> for World {
    fn extend<I: IntoIterator<Item = Happened>>(&mut self, events: I) {
        for happened in events {
            self.apply(&happened);
        }
    }
}

impl Journey {
    fn apply(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::RunStarted { run, consent, pack, pack_path, inputs } => {
                self.run = Some(*run);
                self.consent = Some(consent.clone());
                self.pack = pack.clone();
                self.pack_path.clone_from(pack_path);
                self.inputs.clone_from(inputs);
            }
            Event::RunFinished { run, end } => {
                self.run = None;
                if *end == RunEnd::Interrupted {
                    self.steps.values_mut().for_each(|record| record.cut_off |= record.ran_to_no_end(*run));
                }
            }
            Event::StepChanged { step, run, state, done } => {
                let record = self.steps.entry(step.clone()).or_default();
                if *state == StepState::Undone {
                    record.receipts.clear();
                    record.done.clear();
                }
                record.done.extend(done.clone());
                if *state == StepState::Running {
                    record.last_run = run.or(record.last_run);
                }
                // To be looked at again, or not to be found out: neither says what it did.
                record.cut_off &= matches!(
                    state,
                    StepState::Pending
                        | StepState::Ready
                        | StepState::Blocked { .. }
                        | StepState::Unknown { .. }
                );
                record.moments.push((at, state.clone()));
            }
            Event::ReceiptKept { step, run: _, receipt } => {
                self.receipts_kept += 1;
                let receipt = Receipt { number: self.receipts_kept, content: receipt.clone() };
                self.steps.entry(step.clone()).or_default().receipts.push(receipt);
            }
            Event::MachineSlept { from } => self.slept.push((*from, at)),
            Event::FirstValueReached { step } => {
                // The clock stops once: a later verification is upkeep.
                self.reached.get_or_insert_with(|| (at, step.clone()));
            }
            Event::JourneyStarted { .. }
            | Event::JourneyLeft { .. }
            | Event::CredentialStored { .. }
            | Event::CredentialTested { .. }
            | Event::CredentialRemoved { .. }
            | Event::FixAgreed { .. }
            | Event::FixReceiptKept { .. }
            | Event::FixEnded { .. }
            | Event::FixUndone { .. }
            | Event::SharingChanged { .. } => {}
        }
    }

    /// The recorded state of a step, if anything has happened to it.
    pub fn state(&self, step: &StepId) -> Option<&StepState> {
        self.steps.get(step)?.now().map(|(_, state)| state)
    }

    /// Whether this exact thing was done with success before.
    pub fn was_done(&self, step: &StepId, what: &ConsentHash) -> bool {
        self.steps.get(step).is_some_and(|record| record.done.contains(what))
    }

    /// How long a step took when it last ran to its end, without the machine's sleep.
    pub fn took(&self, step: &StepId) -> Option<Duration> {
        let (from, to) = self.steps.get(step)?.last_ran()?;
        Some(self.awake(from, to))
    }

    /// How much of a time the machine was awake, as far as that is known: it is only looked at during a run.
    pub fn awake(&self, from: Timestamp, to: Timestamp) -> Duration {
        let parts = self.awake_parts(from, to).into_iter();
        parts.filter_map(|(from, to)| Duration::try_from(to.duration_since(from)).ok()).sum()
    }

    fn awake_parts(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        self.slept.iter().fold(vec![(from, to)], |parts, (asleep, woken)| {
            let around =
                parts.into_iter().flat_map(|(from, to)| [(from, to.min(*asleep)), (from.max(*woken), to)]);
            around.filter(|(from, to)| from < to).collect()
        })
    }

    /// Every stretch of time with a cause, open ones ending at `until`. A machine that sleeps does not work; whose turn it
    /// is, and that something has failed, stays so.
    pub fn stretches(&self, until: Timestamp) -> Vec<Stretch> {
        let of_step = |record: &StepRecord| {
            let ends: Vec<Timestamp> =
                record.moments.iter().skip(1).map(|(at, _)| *at).chain([until]).collect();
            record
                .moments
                .iter()
                .zip(ends)
                .filter_map(|((from, state), to)| Some(Stretch { kind: kind(state)?, from: *from, to }))
                .flat_map(|stretch| {
                    let parts = match stretch.kind {
                        Kind::Automatic => self.awake_parts(stretch.from, stretch.to),
                        _ => vec![(stretch.from, stretch.to)],
                    };
                    parts.into_iter().map(move |(from, to)| Stretch { from, to, ..stretch })
                })
                .collect::<Vec<_>>()
        };
        self.steps.values().flat_map(of_step).collect()
    }
}

fn kind(state: &StepState) -> Option<Kind> {
    match state {
        StepState::Running => Some(Kind::Automatic),
        StepState::Failed(_) => Some(Kind::Failing),
        StepState::Waiting { on: WaitsOn::You | WaitsOn::Restart(_) } => Some(Kind::HandsOn),
        StepState::Waiting { on: WaitsOn::Owner(_) } => Some(Kind::Waiting),
        StepState::Pending
        | StepState::Ready
        | StepState::Satisfied { .. }
        | StepState::Changed { .. }
        | StepState::Blocked { .. }
        | StepState::Unknown { .. }
        | StepState::Skipped { .. }
        | StepState::Undone => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::PackName, waterfall::split};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn step(second: i64, id: &str, state: StepState) -> Happened {
        let step = StepId::new(id).unwrap();
        Happened { at: at(second), event: Event::StepChanged { step, run: None, state, done: None } }
    }

    fn started() -> Happened {
        let event = Event::JourneyStarted {
            journey: JourneyId(uuid::Uuid::nil()),
            pack: PackRef {
                name: PackName::new("acme").unwrap(),
                version: semver::Version::new(1, 0, 0),
                digest: String::new(),
            },
            pack_path: "/packs/acme".into(),
            persona: PersonaId::new("backend").unwrap(),
            inputs: BTreeMap::new(),
            clock: Clock::FirstLaunch { at: at(0) },
        };
        Happened { at: at(0), event }
    }

    #[test]
    fn the_clock_stops_once_and_the_time_before_is_explained() {
        let serve = StepId::new("serve").unwrap();
        let failure = Failure { cause: "no network".into(), last_lines: vec![], hint: None };
        let events = [
            started(),
            step(10, "clone", StepState::Running),
            step(20, "clone", StepState::Failed(failure)),
            step(50, "clone", StepState::Running),
            step(60, "clone", StepState::Changed { outputs: BTreeMap::new() }),
            step(60, "vpn", StepState::Waiting { on: WaitsOn::Owner("it".into()) }),
            step(90, "vpn", StepState::Satisfied { outputs: BTreeMap::new() }),
            Happened { at: at(100), event: Event::FirstValueReached { step: serve.clone() } },
            Happened { at: at(500), event: Event::FirstValueReached { step: serve.clone() } },
        ];
        let journey = World::from_events(&events).journey.unwrap();
        assert_eq!(journey.reached, Some((at(100), serve)));
        let parts = split(&journey.stretches(at(100)), at(0), at(100)).map(|(_, ms)| ms / 1_000);
        assert_eq!(parts, [20, 30, 0, 30, 20]);
    }

    #[test]
    fn a_machine_that_sleeps_does_not_work_and_each_second_still_counts_once() {
        let slept = |from, to| Happened { at: at(to), event: Event::MachineSlept { from: at(from) } };
        let build = StepId::new("build").unwrap();
        let events = [
            started(),
            step(0, "vpn", StepState::Waiting { on: WaitsOn::Owner("it".into()) }),
            step(10, "build", StepState::Running),
            slept(20, 50),
            step(60, "vpn", StepState::Satisfied { outputs: BTreeMap::new() }),
            slept(70, 100),
            // A clock that was set back in between.
            slept(90, 110),
            step(120, "build", StepState::Changed { outputs: BTreeMap::new() }),
            Happened { at: at(130), event: Event::FirstValueReached { step: build.clone() } },
        ];
        let journey = World::from_events(&events).journey.unwrap();
        let parts = split(&journey.stretches(at(130)), at(0), at(130)).map(|(_, ms)| ms / 1_000);
        // It worked from 10 to 20, 50 to 70 and 110 to 120; until 60, IT was waited for otherwise.
        assert_eq!(parts, [40, 0, 0, 40, 50]);
        assert_eq!(journey.took(&build), Some(Duration::from_secs(40)));
        let whole =
            World::from_events(events.iter().filter(|one| !matches!(one.event, Event::MachineSlept { .. })));
        assert_eq!(
            whole.journey.unwrap().took(&build),
            Some(Duration::from_secs(110)),
            "as older journals say"
        );
    }

    #[test]
    fn a_run_that_only_looks_at_a_step_does_not_take_the_place_of_the_one_it_ran_in() {
        let clone = StepId::new("clone").unwrap();
        let [tried, looked] = [1, 2].map(|id| RunId(uuid::Uuid::from_u128(id)));
        let entered = |run, state| Happened {
            at: at(1),
            event: Event::StepChanged { step: clone.clone(), run: Some(run), state, done: None },
        };
        let failure = Failure { cause: "no network".into(), last_lines: vec![], hint: None };
        let mut world = World::from_events(&[
            started(),
            entered(tried, StepState::Running),
            entered(tried, StepState::Failed(failure.clone())),
        ]);
        let blocked = StepState::Blocked { by: vec![], reason: "no mount".into() };
        let satisfied = StepState::Satisfied { outputs: BTreeMap::new() };
        for state in [blocked, StepState::Failed(failure), satisfied] {
            world.apply(&entered(looked, state));
            assert_eq!(world.journey.as_ref().unwrap().steps[&clone].last_run, Some(tried));
        }
        world.apply(&entered(looked, StepState::Running));
        assert_eq!(world.journey.unwrap().steps[&clone].last_run, Some(looked));
    }

    #[test]
    fn what_the_doctor_set_is_known_without_a_journey_until_it_is_taken_back() {
        let fix = StepId::new("network").unwrap();
        let kept = |n: i64| Event::FixReceiptKept { fix: fix.clone(), receipt: n.into() };
        let mut events: Vec<Happened> =
            [kept(1), kept(2)].map(|event| Happened { at: at(1), event }).to_vec();
        let world = World::from_events(&events);
        assert_eq!(world.fixes[&fix].receipts, [Value::from(1), Value::from(2)]);
        assert_eq!(world.journey, None);
        events.push(Happened { at: at(2), event: Event::FixUndone { fix } });
        assert!(World::from_events(&events).fixes.is_empty());
    }

    #[test]
    fn f2_a_step_that_was_running_when_the_program_was_killed_is_cut_off_until_it_runs_to_an_end() {
        let mail = StepId::new("mail").unwrap();
        let run = RunId(uuid::Uuid::from_u128(1));
        let entered = |second, state| Happened {
            at: at(second),
            event: Event::StepChanged { step: mail.clone(), run: Some(run), state, done: None },
        };
        let ended = |end| Happened { at: at(3), event: Event::RunFinished { run, end } };
        let cut_off = |events: &[Happened]| {
            let world = World::from_events(std::iter::once(&started()).chain(events));
            world.journey.unwrap().steps[&mail].cut_off
        };
        let begun = [entered(1, StepState::Running), entered(2, StepState::Ready)];
        assert!(!cut_off(&[&begun[..], &[ended(RunEnd::Cancelled)]].concat()), "the person stopped it");
        let killed = [&begun[..], &[ended(RunEnd::Interrupted)]].concat();
        assert!(cut_off(&killed));
        let then = |state| cut_off(&[&killed[..], &[entered(4, state)]].concat());
        assert!(then(StepState::Unknown { why: String::new() }), "a run that did not dare says nothing new");
        assert!(!then(StepState::Running));
        assert!(!then(StepState::Satisfied { outputs: BTreeMap::new() }));
        assert!(!then(StepState::Undone));
        // Later interruptions are of other steps.
        let again =
            [entered(4, StepState::Running), entered(5, StepState::Changed { outputs: BTreeMap::new() })];
        assert!(!cut_off(&[&killed[..], &again[..], &[ended(RunEnd::Interrupted)]].concat()));
    }

    #[test]
    fn a_step_is_known_to_take_as_long_as_it_last_took() {
        let changed = || StepState::Changed { outputs: BTreeMap::new() };
        let failure = Failure { cause: "no".into(), last_lines: vec![], hint: None };
        let events = [
            started(),
            step(10, "build", StepState::Running),
            step(50, "build", changed()),
            step(60, "build", StepState::Running),
            step(90, "build", changed()),
            step(100, "build", StepState::Running),
            step(101, "build", StepState::Failed(failure)),
            step(110, "read", changed()),
        ];
        let journey = World::from_events(&events).journey.unwrap();
        let took = |id: &str| journey.took(&StepId::new(id).unwrap());
        assert_eq!(took("build"), Some(Duration::from_secs(30)));
        assert_eq!(took("read"), None);
    }

    #[test]
    fn an_undo_forgets_receipts_and_what_was_done() {
        let build = StepId::new("build").unwrap();
        let run = RunId(uuid::Uuid::nil());
        let what = ConsentHash("x".into());
        let changed = StepState::Changed { outputs: BTreeMap::new() };
        let done = Event::StepChanged {
            step: build.clone(),
            run: Some(run),
            state: changed,
            done: Some(what.clone()),
        };
        let receipt = Event::ReceiptKept { step: build.clone(), run, receipt: Value::Null };
        let mut events = vec![started()];
        events.extend([receipt, done].map(|event| Happened { at: at(1), event }));
        let journey = World::from_events(&events).journey.unwrap();
        assert!(journey.was_done(&build, &what));
        events.push(step(2, "build", StepState::Undone));
        let journey = World::from_events(&events).journey.unwrap();
        assert!(!journey.was_done(&build, &what));
        assert!(journey.steps[&build].receipts.is_empty());
    }
}
