//! What can happen to a person's journey on this machine. Events are facts in the past tense, kept for ever in the
//! journal in the order they happened; all state is derived from them.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    finding::{Accepted, Finding, FindingId},
    id::{
        CredentialName, JourneyId, PersonaId, QuestionId, RequestId, RunId, StepId, SubmissionId, SurveyId,
    },
    pack::PackRef,
    plan::ConsentHash,
    release::Outline,
    request::{Answered, Closing},
    state::{Failure, StepState},
    survey::{About, Answer, Ending, Exposures},
};

/// An event and when it happened by this machine's clock. Order is by place in the journal, never by `at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A person chose a persona and agreed to begin.
    JourneyStarted {
        /// The new journey.
        journey: JourneyId,
        /// Which pack.
        pack: PackRef,
        /// Where the pack was read from.
        pack_path: String,
        /// Which persona.
        persona: PersonaId,
        /// What was answered, by input. Inputs are never secrets.
        inputs: BTreeMap<String, Value>,
        /// When the clock starts, and why.
        clock: Clock,
    },
    /// The person left the journey; the next one may begin.
    JourneyLeft {
        /// Which.
        journey: JourneyId,
    },
    /// The journey goes by this checklist from now on: its first one, or a newer release of it that was agreed to.
    ChecklistTaken {
        /// The step that stops the clock, as the pack says it. Only the first one counts.
        goal: Option<StepId>,
        /// Its steps, see [`crate::release`].
        outline: Outline,
    },
    /// A plan was shown and agreed to, and is being carried out.
    RunStarted {
        /// The new run.
        run: RunId,
        /// What was agreed to.
        consent: ConsentHash,
        /// The pack content it was agreed for; trying a step of it again needs no new consent.
        pack: PackRef,
        /// Where that pack was read from.
        pack_path: String,
        /// What was answered, by input.
        inputs: BTreeMap<String, Value>,
    },
    /// A step entered a state.
    StepChanged {
        /// The step.
        step: StepId,
        /// In which run; none if a person or a probe did it outside of one.
        run: Option<RunId>,
        /// The state.
        state: StepState,
        /// The hash of what was done, where something was: a step without a check is not done twice for the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        done: Option<ConsentHash>,
    },
    /// A step changed something: what was there before, in its provider's own words, so that it can be undone.
    /// Written before the change is made.
    ReceiptKept {
        /// The step.
        step: StepId,
        /// In which run.
        run: RunId,
        /// What the provider needs to undo it. Never a secret.
        receipt: Value,
    },
    /// A step changed something, and the person still has something to do themselves.
    FollowUpDue {
        /// The step.
        step: StepId,
        /// What, one thing each, for people. Never a secret.
        texts: Vec<String>,
    },
    /// The person said that they did what a step had left to them.
    FollowUpDone {
        /// The step.
        step: StepId,
    },
    /// First value was verified: the clock stopped.
    FirstValueReached {
        /// By which step.
        step: StepId,
    },
    /// A run ended.
    RunFinished {
        /// Which.
        run: RunId,
        /// How.
        end: RunEnd,
    },
    /// In the middle of a run the machine slept, until now. What ran did not go on meanwhile.
    MachineSlept {
        /// Since when.
        from: Timestamp,
    },
    /// A credential was accepted and stored in the keychain. Never its value.
    CredentialStored {
        /// Which.
        name: CredentialName,
        /// Who issues it.
        issuer: Option<String>,
        /// When it expires.
        expires_at: Option<Timestamp>,
    },
    /// A stored credential was tried.
    CredentialTested {
        /// Which.
        name: CredentialName,
        /// Whether it was accepted.
        ok: bool,
        /// Why not, masked.
        reason: Option<String>,
    },
    /// A credential was removed from the keychain.
    CredentialRemoved {
        /// Which.
        name: CredentialName,
    },
    /// Outside of any journey, what the doctor would set was shown and agreed to.
    FixAgreed {
        /// What was agreed to.
        consent: ConsentHash,
    },
    /// The doctor changed something: what was there before, as in [`Event::ReceiptKept`]. Written before the change is
    /// made.
    FixReceiptKept {
        /// What set it: a step of no pack.
        fix: StepId,
        /// What is needed to undo it. Never a secret.
        receipt: Value,
    },
    /// What the doctor set holds now, or why it does not.
    FixEnded {
        /// Which.
        fix: StepId,
        /// What went wrong, if anything.
        failure: Option<Failure>,
    },
    /// What the doctor had set was taken back.
    FixUndone {
        /// Which.
        fix: StepId,
    },
    /// A release of the pack was received, and is the one in use from now on.
    ReleaseReceived {
        /// Which.
        pack: PackRef,
        /// Where it is.
        pack_path: String,
    },
    /// What was offered as a release was refused; the pack in use stayed.
    ReleaseRefused {
        /// The error's code.
        code: String,
        /// What was wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// After a refusal, there was nothing wrong any more.
    ReleasesFine,
    /// An advisory is about something that is there, and was not before.
    FindingAppeared {
        /// What.
        finding: Finding,
    },
    /// What an advisory is about is not there any more, or the advisory is not.
    FindingGone {
        /// What.
        finding: FindingId,
    },
    /// The person lives with a finding for a while, as the pack lets them.
    FindingAccepted {
        /// What.
        finding: FindingId,
        /// Until when, and why.
        accepted: Accepted,
    },
    /// The person decided about sharing events.
    SharingChanged {
        /// Whether events may be sent.
        on: bool,
    },
    /// A survey was shown.
    SurveyShown {
        /// This showing.
        submission: SubmissionId,
        /// Which survey.
        survey: SurveyId,
        /// Whether it asks how likely one is to recommend it.
        asks_nps: bool,
        /// Why it was asked although the person had been asked lately, where it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sooner: Option<String>,
    },
    /// The person answered a question and pressed Send, knowing who would see it.
    SurveyAnswered {
        /// In which showing.
        submission: SubmissionId,
        /// Of which survey.
        survey: SurveyId,
        /// Which question.
        question: QuestionId,
        /// What they answered.
        answer: Answer,
    },
    /// A survey that was shown is closed.
    SurveyEnded {
        /// Which showing.
        submission: SubmissionId,
        /// Of which survey.
        survey: SurveyId,
        /// How.
        ending: Ending,
    },
    /// The hub told when the person was last asked on any of their devices.
    ExposuresLearned {
        /// When.
        exposures: Exposures,
    },
    /// The person wrote what they think and pressed Send.
    FeedbackGiven {
        /// This feedback.
        submission: SubmissionId,
        /// What they wrote.
        text: String,
        /// The name they gave with it, if they wanted to.
        name: Option<String>,
        /// What it is about, if they said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<About>,
    },
    /// The person decided which name those see who are asked for something through the hub; none: no name.
    AsksAs {
        /// The name.
        name: Option<String>,
    },
    /// The owner of a step is asked through the hub. Said again of the same request when the name changed.
    RequestMade {
        /// This asking.
        request: RequestId,
        /// What for.
        step: StepId,
        /// The step's title, as the pack has it.
        title: String,
        /// Who is asked, as the pack names them.
        owner: String,
        /// What they promise, as the pack writes it.
        sla: Option<String>,
        /// The name that is told with it.
        name: Option<String>,
    },
    /// Nobody has to answer a request any more.
    RequestClosed {
        /// Which.
        request: RequestId,
        /// Why.
        closing: Closing,
    },
    /// The hub told what the owner answered.
    RequestAnswered {
        /// Which.
        request: RequestId,
        /// What, and who.
        answered: Answered,
    },
}

/// When the clock starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Clock {
    /// At the beginning of the first working day, in the zone of this machine.
    StartDate {
        /// The day.
        date: Date,
        /// Its beginning.
        at: Timestamp,
    },
    /// When the journey began in Firstlight.
    FirstLaunch {
        /// That moment.
        at: Timestamp,
    },
}

impl Clock {
    /// The moment.
    pub fn start(&self) -> Timestamp {
        match self {
            Self::StartDate { at, .. } | Self::FirstLaunch { at } => *at,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// Everything that could be done was.
    Completed,
    /// At least one step failed.
    Failed,
    /// The person stopped it.
    Cancelled,
    /// It was cut off; found at the next start.
    Interrupted,
}
