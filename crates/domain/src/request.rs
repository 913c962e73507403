//! What somebody else is asked through the hub: a `request` step whose turn is its owner's, and what they answered. All of
//! it follows from the journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    id::{JourneyId, RequestId, StepId},
    state::Failure,
};

/// What an owner said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is done.
    Done,
    /// It will not be done.
    Refused,
}

impl Reply {
    /// Its name, on the wire and in databases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Done, Self::Refused].into_iter().find(|reply| reply.name() == name)
    }
}

/// How a request ended that nobody has to answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// What was asked for is there: a probe saw it, or the person said so.
    Granted,
    /// It is not wanted any more: the step was undone or skipped, or the journey left.
    Withdrawn,
}

impl Closing {
    /// Its name, on the wire and in databases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Granted, Self::Withdrawn].into_iter().find(|closing| closing.name() == name)
    }
}

/// An answer, as it was learned from the hub. Its words are somebody's, and no more than words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// What.
    pub reply: Reply,
    /// What they wrote with it; empty if nothing.
    pub words: String,
    /// Who answered, as the hub names them.
    pub by: String,
    /// When they did, by the hub's clock.
    pub at: Timestamp,
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// Of which journey.
    pub journey: JourneyId,
    /// For which step.
    pub step: StepId,
    /// Who is asked.
    pub owner: String,
    /// The name that was told with it.
    pub name: Option<String>,
    /// Since when it has been told.
    pub made_at: Timestamp,
    /// What was answered.
    pub answered: Option<Answered>,
    /// Whether the step has gone on since it was answered: when it waits again, that is asked anew.
    pub over: bool,
}

impl RequestRecord {
    /// Why the step does not go on, if it was refused.
    pub fn refusal(&self) -> Option<Failure> {
        self.answered.as_ref()?.refusal(&self.owner)
    }
}

impl Answered {
    /// Why a step of this owner does not go on, if that is what it says.
    pub fn refusal(&self, owner: &str) -> Option<Failure> {
        let Self { reply: Reply::Refused, words, by, .. } = self else { return None };
        let who = if by == owner { by.clone() } else { format!("{by} ({owner})") };
        Some(Failure {
            cause: format!("{who} said no: {words}"),
            last_lines: Vec::new(),
            hint: Some(format!("Talk to {owner}, then try the step again: that asks anew.")),
        })
    }
}

/// Requests by id: open ones, and the last of each step that was answered.
pub type Requests = std::collections::BTreeMap<RequestId, RequestRecord>;
