//! Where a person stands: what Today, the rail and `firstlight status` show.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    advisories::FindingView,
    markdown::Block,
    plan::{ResolvedView, StepClass},
    requests::RequestView,
};

/// A journey in progress, derived from the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JourneyView {
    /// The pack's name.
    pub pack: String,
    /// The pack's greeting.
    pub title: String,
    /// The persona's id.
    pub persona: String,
    /// The persona's title.
    pub persona_title: String,
    /// When the clock started.
    pub clock_start: String,
    /// When first value was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reached_at: Option<String>,
    /// The step that stops the clock.
    pub first_value: String,
    /// In the pack's order.
    pub stages: Vec<StageView>,
    /// Every step, in checklist order.
    pub steps: Vec<StepView>,
    /// The steps still between here and first value, longest path first to last.
    pub critical_path: Vec<String>,
    /// The one thing the person can do now that unblocks most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<NextThing>,
    /// Best-effort steps that were tried and do not hold: nothing waits for them, and they are named until they do.
    #[serde(default)]
    pub best_effort: Vec<String>,
    /// What steps have left to the person, until they say that it is done; oldest first.
    #[serde(default)]
    pub follow_ups: Vec<FollowUpView>,
    /// What advisories say of its projects and this machine, the worst first.
    #[serde(default)]
    pub findings: Vec<FindingView>,
    /// How far along the road to first value, 0 to 1, weighted by estimate.
    pub progress: f64,
    /// Whether a run is going on now.
    pub running: bool,
    /// Counts up with each view this program makes. An answer and a notice may overtake each other on their way; the
    /// one with the larger number is the newer.
    pub revision: u32,
}

/// What a step has left to the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FollowUpView {
    /// The step.
    pub step: String,
    /// Its title.
    pub title: String,
    /// Since when.
    pub since: String,
    /// What is to be done, one thing each: plain text.
    pub texts: Vec<String>,
}

/// A stage of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StageView {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How many of its steps are done.
    pub done: u32,
    /// How many it has.
    pub total: u32,
}

/// One step as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepView {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The stage it belongs to.
    pub stage: String,
    /// Who does it.
    pub class: StepClass,
    /// The provider's name, for example `git/clone`.
    pub uses: String,
    /// Its own estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub estimate_seconds: Option<u32>,
    /// Whether it stops the clock.
    pub first_value: bool,
    /// Whether the journey is as it should be without it.
    #[serde(default)]
    pub best_effort: bool,
    /// It is done, and did not hold any more when it was last looked: what would be done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub drifted: Option<String>,
    /// What a newer release of the pack is to it, until it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub news: Option<StepNews>,
    /// What was asked of somebody else for it through the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub request: Option<RequestView>,
    /// Its state and what goes with it.
    #[serde(flatten)]
    pub state: StepStateView,
}

/// What a newer release is to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StepNews {
    /// It was not there when the journey began.
    New,
    /// It does something else than was agreed to: what was done is looked at again.
    Changed,
}

/// The state of a step. The tag `state` lies beside the step's other fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum StepStateView {
    /// Something it needs is not done yet.
    Pending,
    /// It could start now.
    Ready,
    /// It is being done.
    Running {
        /// Since when.
        since: String,
    },
    /// It was already fine, or a person did it.
    Satisfied {
        /// Since when.
        since: String,
    },
    /// The machine changed something, and checked it.
    Changed {
        /// Since when.
        since: String,
    },
    /// It did not work.
    Failed {
        /// Why.
        cause: String,
        /// The end of its log.
        last_lines: Vec<String>,
        /// What to do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        hint: Option<String>,
    },
    /// Something it needs failed, or a precondition does not hold.
    Blocked {
        /// The steps that hold it up.
        by: Vec<String>,
        /// In words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        reason: Option<String>,
    },
    /// A person is asked for.
    Waiting {
        /// For whom: `you`, or the owner's name.
        waiting_for: String,
        /// Since when.
        since: String,
        /// The service level promised, as the pack writes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        sla: Option<String>,
    },
    /// It could not be found out.
    Unknown {
        /// Why.
        reason: String,
    },
    /// Not needed here.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It was taken back.
    Undone,
}

/// The one thing to do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NextThing {
    /// The step.
    pub step: String,
    /// What to do with it.
    pub act: NextAct,
    /// How many other steps wait for it.
    pub unblocks: u32,
}

/// What can be done with the next thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum NextAct {
    /// Start (or go on with) the automatic part.
    Start,
    /// Look at why it failed and try again.
    Retry,
    /// Read it.
    Read,
    /// Open the link.
    Open,
    /// Confirm it.
    Confirm,
    /// Enter a secret.
    EnterCredential,
    /// Ask somebody, or wait for them.
    Request,
    /// Restart the machine.
    Restart,
}

/// Everything about one step, for its own screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepDetail {
    /// The step as listed.
    pub step: StepView,
    /// Why it matters.
    pub why: Vec<Block>,
    /// What there is to read (a `read` step's document, a request's text).
    pub body: Vec<Block>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub owner: Option<String>,
    /// What it does, as last resolved.
    pub detail: ResolvedView,
    /// The credential it asks for, if it is a credential step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub credential: Option<CredentialAsk>,
    /// The link it opens, if it is a link step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub url: Option<String>,
    /// What it needs first.
    pub needs: Vec<String>,
    /// What waits for it.
    pub unblocks: Vec<String>,
    /// What happened to it, oldest first.
    pub history: Vec<StepMoment>,
    /// Whether it was running when Firstlight was killed, and what it did is not known.
    pub cut_off: bool,
    /// Whether it can be taken back.
    pub can_undo: bool,
}

/// What a credential step wants to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CredentialAsk {
    /// The credential's name.
    pub name: String,
    /// What to call it.
    pub title: String,
    /// Who issues it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub issuer: Option<String>,
    /// Whether Firstlight can make one.
    pub can_generate: bool,
    /// Whether the value is tried before it is kept.
    pub tested: bool,
}

/// One moment in a step's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepMoment {
    /// When.
    pub at: String,
    /// The state it entered.
    #[serde(flatten)]
    pub state: StepStateView,
}

/// A page of a step's log: masked, control sequences other than colours removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LogPage {
    /// The number of the first line here, from 0.
    pub first: u32,
    /// The lines.
    pub lines: Vec<String>,
    /// How many there are in all, so far.
    pub total: u32,
    /// Lines left out in the middle of a very long log.
    pub dropped: u32,
}
