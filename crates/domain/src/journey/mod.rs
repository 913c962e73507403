//! A journey, derived from its events: what state each step is in, whether a run goes on, when the clock stopped, and
//! where the time went.

mod projects;
mod requests;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;

pub use self::{
    projects::Project,
    world::{Credential, FixRecord, Received, Refused, Releases, World},
};
use crate::{
    event::{Clock, Event, RunEnd},
    finding::{Finding, FindingId, FindingRecord},
    id::{JourneyId, PersonaId, RunId, StepId},
    pack::PackRef,
    plan::ConsentHash,
    release::{self, Mapping, Outline},
    state::{StepState, WaitsOn},
    waterfall::{Kind, Stretch},
};

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
    /// The step that stops the clock, as it was when the journey began; journals of old do not say.
    pub goal: Option<StepId>,
    /// The checklist it goes by; empty until the first is taken.
    pub outline: Outline,
    /// Steps that came with a newer release and are not done yet.
    pub new: BTreeSet<StepId>,
    /// What advisories say of what is there, until it is gone.
    pub findings: BTreeMap<FindingId, FindingRecord>,
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
    /// The pack content that kept the last of them, and where it lay.
    pub from: Option<(PackRef, String)>,
    /// The last run in which it ran; its log lies there. A run that only looked at it wrote none.
    pub last_run: Option<RunId>,
    /// Whether it ran when the program was killed, and has not run to an end since: what it did is not known.
    pub cut_off: bool,
    /// What it has left to the person, who has not said yet that it is done.
    pub follow_up: Option<FollowUp>,
}

/// What a step has left to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// Since when.
    pub since: Timestamp,
    /// What, one thing each.
    pub texts: Vec<String>,
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
            Event::ChecklistTaken { goal, outline } => self.take(at, goal.as_ref(), outline),
            Event::RunFinished { run, end } => {
                self.run = None;
                if *end == RunEnd::Interrupted {
                    self.steps.values_mut().for_each(|record| record.cut_off |= record.ran_to_no_end(*run));
                }
            }
            Event::StepChanged { step, run, state, done } => {
                if state.is_done() {
                    self.new.remove(step);
                }
                // What was in a project is gone with it.
                if *state == StepState::Undone {
                    self.findings.retain(|finding, _| !finding.place.is_in(step));
                }
                let record = self.steps.entry(step.clone()).or_default();
                if *state == StepState::Undone {
                    record.receipts.clear();
                    record.done.clear();
                    record.follow_up = None;
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
                let record = self.steps.entry(step.clone()).or_default();
                record.receipts.push(receipt);
                record.from = Some((self.pack.clone(), self.pack_path.clone()));
            }
            Event::FollowUpDue { step, texts } => {
                let follow_up = FollowUp { since: at, texts: texts.clone() };
                self.steps.entry(step.clone()).or_default().follow_up = Some(follow_up);
            }
            Event::FollowUpDone { step } => {
                if let Some(record) = self.steps.get_mut(step) {
                    record.follow_up = None;
                }
            }
            Event::FindingAppeared { finding } => self.found(at, finding),
            Event::FindingGone { finding } => {
                self.findings.remove(finding);
            }
            Event::FindingAccepted { finding, accepted } => {
                if let Some(record) = self.findings.get_mut(finding) {
                    record.accepted = Some(accepted.clone());
                }
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
            | Event::ReleaseReceived { .. }
            | Event::ReleaseRefused { .. }
            | Event::ReleasesFine
            | Event::SharingChanged { .. }
            | Event::SurveyShown { .. }
            | Event::SurveyAnswered { .. }
            | Event::SurveyEnded { .. }
            | Event::ExposuresLearned { .. }
            | Event::FeedbackGiven { .. }
            | Event::AsksAs { .. }
            | Event::RequestMade { .. }
            | Event::RequestClosed { .. }
            | Event::RequestAnswered { .. } => {}
        }
    }

    /// What was known already stays as it is, but for what the advisory says of it.
    fn found(&mut self, at: Timestamp, finding: &Finding) {
        let new = FindingRecord {
            since: at,
            severity: finding.severity,
            fixed: finding.fixed.clone(),
            accepted: None,
        };
        let record = self.findings.entry(finding.id.clone()).or_insert(new);
        // What was accepted was accepted as bad as it was then.
        record.accepted.take_if(|_| finding.severity > record.severity);
        record.severity = finding.severity;
        record.fixed.clone_from(&finding.fixed);
    }

    /// What stays the same stays done; what means something else is looked at again; what is gone keeps its history; what
    /// is new is marked. The clock goes on by the goal the journey began with.
    fn take(&mut self, at: Timestamp, goal: Option<&StepId>, outline: &Outline) {
        let first = self.outline.is_empty();
        let mapping = release::map(&self.outline, outline);
        self.outline.clone_from(outline);
        if first {
            self.goal = goal.cloned();
            return;
        }
        self.new.retain(|step| !mapping.gone.contains(step));
        let steps = &self.steps;
        let is_done = |step: &StepId| {
            steps.get(step).and_then(StepRecord::now).is_some_and(|(_, state)| state.is_done())
        };
        self.new.extend(mapping.new.into_iter().filter(|step| !is_done(step)));
        for step in mapping.changed {
            if let Some(record) = self.steps.get_mut(&step)
                && record.now().is_some_and(|(_, state)| state.is_done())
            {
                record.moments.push((at, StepState::Ready));
            }
        }
    }

    /// What a newer outline of the checklist would be to the one it goes by; nothing where that is not known.
    pub fn mapped(&self, outline: &Outline) -> Mapping {
        if self.outline.is_empty() { Mapping::default() } else { release::map(&self.outline, outline) }
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
mod tests;
