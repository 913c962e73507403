//! What people were asked, and what they said: when each was last asked on any device, and what arrived, in the order it
//! arrived. A submission says each thing once: what a device says again of it, under whichever sequence, changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use firstlight_domain::{
    id::{QuestionId, SurveyId},
    registry::EventType,
    survey::{About, Answer, Ending, Exposures},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{DeviceKey, PersonKey, StoreError};
use crate::ingest::survey::{Said, What, said};

/// What a store keeps of surveys; written by [`super::Store::append`], in the same transaction as the log.
#[async_trait]
pub trait Surveys {
    /// When a person was last asked, on whatever device.
    async fn exposures(&self, person: PersonKey) -> Result<Exposures, StoreError>;

    /// What arrived from `from` until before `to`.
    async fn heard(&self, from: Timestamp, to: Timestamp) -> Result<Heard, StoreError>;

    /// How much of answers and endings there is: what changes whenever [`Self::heard`] of them does.
    async fn how_much(&self, from: Timestamp, to: Timestamp) -> Result<HowMuch, StoreError>;

    /// Everything from nothing but the log: slow, and equal to [`Self::heard`] of all times and every [`Self::exposures`].
    async fn hear_again(&self) -> Result<(Heard, BTreeMap<PersonKey, Exposures>), StoreError>;
}

/// How many there are, and the place of the last: of answers, and of endings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HowMuch {
    /// Answers.
    pub answers: (i64, i64),
    /// Surveys that were closed.
    pub endings: (i64, i64),
}

/// What was said, each in the order it arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Answers to questions.
    pub answers: Vec<Answered>,
    /// Surveys that were closed.
    pub endings: Vec<Ended>,
    /// What people wrote by themselves.
    pub feedback: Vec<Feedback>,
    /// What of it is settled.
    pub settled: Settled,
}

/// What was let out together with what somebody said who is not here any more: numbers that stay, and what else is in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// How often each thing was counted.
    pub sums: BTreeMap<Sum, u64>,
    /// The places of answers that the sums have, or whose words are not shown any more.
    pub answers: BTreeSet<usize>,
    /// The same of endings.
    pub endings: BTreeSet<usize>,
    /// The same of feedback.
    pub feedback: BTreeSet<usize>,
}

/// What is counted: an answer to a question, or those who answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sum {
    /// In which survey.
    pub survey: String,
    /// To which question.
    pub question: String,
    /// Of which kind.
    pub kind: String,
    /// What it is shown as.
    pub answer: String,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Whose.
    pub person: PersonKey,
    /// In which survey.
    pub survey: SurveyId,
    /// To which question.
    pub question: QuestionId,
    /// What.
    pub answer: Answer,
}

/// A survey that was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// By whom.
    pub person: PersonKey,
    /// Which.
    pub survey: SurveyId,
    /// How.
    pub ending: Ending,
}

/// What somebody wrote by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Who.
    pub person: PersonKey,
    /// What.
    pub text: String,
    /// The name they gave with it.
    pub name: Option<String>,
    /// What it is about, if they said so.
    pub about: Option<About>,
}

/// What an event of the log says of a survey. What was accepted is whole; nothing is made of what is not.
pub(crate) fn said_in(kind: EventType, data: &str) -> Option<Said> {
    let of_surveys = matches!(
        kind,
        EventType::SurveyShown
            | EventType::SurveyAnswered
            | EventType::SurveyEnded
            | EventType::FeedbackGiven
    );
    if !of_surveys {
        return None;
    }
    said(kind, &serde_json::from_str(data).ok()?).ok().flatten()
}

/// Hears the log again, one event after another.
#[derive(Debug, Default)]
pub(crate) struct Again {
    heard: Heard,
    exposures: BTreeMap<PersonKey, Exposures>,
    answered: BTreeSet<(DeviceKey, Uuid, QuestionId)>,
    ended: BTreeSet<(DeviceKey, Uuid)>,
    written: BTreeSet<(DeviceKey, Uuid)>,
}

impl Again {
    pub(crate) fn hear(&mut self, device: DeviceKey, person: PersonKey, time: Timestamp, said: Said) {
        let Said { submission, what } = said;
        match what {
            What::Shown { asks_nps } => {
                let known = self.exposures.entry(person).or_default();
                *known = known.merged(Exposures::shown(time, asks_nps));
            }
            What::Answered { survey, question, answer } => {
                if self.answered.insert((device, submission, question.clone())) {
                    self.heard.answers.push(Answered { person, survey, question, answer });
                }
            }
            What::Ended { survey, ending } => {
                if self.ended.insert((device, submission)) {
                    self.heard.endings.push(Ended { person, survey, ending });
                }
            }
            What::Feedback { text, name, about } => {
                if self.written.insert((device, submission)) {
                    self.heard.feedback.push(Feedback { person, text, name, about });
                }
            }
        }
    }

    pub(crate) fn done(self) -> (Heard, BTreeMap<PersonKey, Exposures>) {
        (self.heard, self.exposures)
    }
}
