//! Everything that is derived from the journal: the journey at hand, and what belongs to the machine whatever journey it is
//! on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{Journey, Project, projects, requests};
use crate::{
    event::{Event, Happened},
    id::{CredentialName, StepId},
    pack::PackRef,
    request::Requests,
    state::Failure,
    survey::{Asked, Exposures},
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
    /// What was received and refused.
    pub releases: Releases,
    /// Folders that templates made, by path. Those of journeys that were left, too.
    pub projects: BTreeMap<String, Project>,
    /// Whether events may be sent; off until the person says so.
    pub sharing: bool,
    /// What the person was asked, on whatever journey.
    pub asked: Asked,
    /// The name those see who are asked for something through the hub.
    pub asks_as: Option<String>,
    /// What was asked of others through the hub: what is open, and what was answered last for each step.
    pub requests: Requests,
}

/// What is known of the releases of the pack this machine receives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Releases {
    /// The one received last.
    pub received: Option<Received>,
    /// What was refused since then and still is.
    pub refused: Option<Refused>,
}

/// A release that was received.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub pack: PackRef,
    /// Where it is.
    pub pack_path: String,
}

/// Something that was offered as a release.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Since when.
    pub at: Timestamp,
    /// The error's code.
    pub code: String,
    /// What was wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
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
                    goal: None,
                    outline: BTreeMap::new(),
                    new: BTreeSet::new(),
                    findings: BTreeMap::new(),
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
            Event::FixAgreed { .. } | Event::SurveyAnswered { .. } | Event::FeedbackGiven { .. } => {}
            Event::SurveyShown { submission, survey, asks_nps, sooner: _ } => {
                let exposures = Exposures::shown(at, *asks_nps);
                self.asked.exposures = self.asked.exposures.merged(exposures);
                self.asked.shown.insert(survey.clone(), at);
                self.asked.open = Some((*submission, survey.clone()));
            }
            Event::SurveyEnded { submission, .. } => {
                self.asked.open.take_if(|(open, _)| open == submission);
            }
            Event::ExposuresLearned { exposures } => {
                self.asked.exposures = self.asked.exposures.merged(*exposures);
            }
            Event::ReleaseReceived { pack, pack_path } => {
                let (pack, pack_path) = (pack.clone(), pack_path.clone());
                self.releases = Releases { received: Some(Received { at, pack, pack_path }), refused: None };
            }
            Event::ReleaseRefused { code, message, hint } => {
                let (code, message, hint) = (code.clone(), message.clone(), hint.clone());
                self.releases.refused = Some(Refused { at, code, message, hint });
            }
            Event::ReleasesFine => self.releases.refused = None,
            Event::SharingChanged { on } => self.sharing = *on,
            Event::AsksAs { .. }
            | Event::RequestMade { .. }
            | Event::RequestClosed { .. }
            | Event::RequestAnswered { .. } => self.ask(at, &happened.event),
            Event::RunStarted { .. }
            | Event::ChecklistTaken { .. }
            | Event::StepChanged { .. }
            | Event::ReceiptKept { .. }
            | Event::FollowUpDue { .. }
            | Event::FollowUpDone { .. }
            | Event::FirstValueReached { .. }
            | Event::MachineSlept { .. }
            | Event::FindingAppeared { .. }
            | Event::FindingGone { .. }
            | Event::FindingAccepted { .. }
            | Event::RunFinished { .. } => {
                if let Some(journey) = &mut self.journey {
                    if let Event::StepChanged { step, state, .. } = &happened.event {
                        projects::follow(&mut self.projects, journey, step, state);
                        requests::follow(&mut self.requests, journey, step, state);
                    }
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
