//! Surveys: what a pack may ask, which questions a person sees, and what counts as an answer. When one may be asked is in
//! [`asking`].

pub mod asking;
pub mod changes;

use std::{collections::BTreeMap, fmt};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    id::{ChoiceId, PersonaId, QuestionId, StepId, SubmissionId, SurveyId},
    registry::LONGEST_COMMENT,
};

/// Questions that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Its id.
    pub id: SurveyId,
    /// What it is called.
    pub title: String,
    /// Who sees the answers, in plain words.
    pub audience: String,
    /// When it is asked.
    pub triggers: Vec<Trigger>,
    /// Of whom; everybody if empty.
    pub personas: Vec<PersonaId>,
    /// Only where this expression over inputs and facts is true.
    pub condition: Option<String>,
    /// Why it may be asked although the person was asked lately; people are shown it. It lifts nothing but
    /// [`asking::BETWEEN_ANY`].
    pub sooner: Option<String>,
    /// In order, one at least.
    pub questions: IndexMap<QuestionId, Question>,
}

impl Survey {
    /// Whether the question about recommending is among its questions: that one is asked more rarely.
    pub fn asks_nps(&self) -> bool {
        self.questions.values().any(|question| question.kind == QuestionKind::Nps)
    }

    /// Whether such a person is asked at all.
    pub fn is_for(&self, persona: &PersonaId) -> bool {
        self.personas.is_empty() || self.personas.contains(persona)
    }

    /// Whether a person may open it whenever they like.
    pub fn is_on_demand(&self) -> bool {
        self.triggers.contains(&Trigger::OnDemand)
    }

    /// The questions a person sees who has answered so far: what is not seen has no answer that others could go by.
    pub fn visible(&self, answers: &BTreeMap<QuestionId, Answer>) -> Vec<&QuestionId> {
        let mut seen: Vec<&QuestionId> = Vec::new();
        for (id, question) in &self.questions {
            let shown = question.show_if.as_ref().is_none_or(|condition| {
                seen.contains(&&condition.question)
                    && answers.get(&condition.question).is_some_and(|answer| condition.test.holds(answer))
            });
            if shown {
                seen.push(id);
            }
        }
        seen
    }

    /// Checks what is about to be sent: one answer at least, each to a question that is seen and of its kind.
    pub fn check(&self, answers: &BTreeMap<QuestionId, Answer>) -> Result<(), WrongAnswer> {
        if answers.is_empty() {
            return Err(WrongAnswer::Nothing);
        }
        let visible = self.visible(answers);
        for (id, answer) in answers {
            let question = self
                .questions
                .get(id)
                .filter(|_| visible.contains(&id))
                .ok_or_else(|| WrongAnswer::NotAsked { question: id.to_string() })?;
            question
                .kind
                .check(answer)
                .map_err(|expected| WrongAnswer::Unfit { question: id.to_string(), expected })?;
        }
        Ok(())
    }
}

/// Why answers cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongAnswer {
    /// There is none.
    #[error("there is no answer to send")]
    Nothing,
    /// Nobody asked that.
    #[error("`{question}` is not asked here")]
    NotAsked {
        /// The question.
        question: String,
    },
    /// It is not what the question asks for.
    #[error("the answer to `{question}` is {expected}")]
    Unfit {
        /// The question.
        question: String,
        /// What it asks for.
        expected: String,
    },
}

/// When a survey is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Once this step is done.
    After(StepId),
    /// Once first value is reached.
    FirstValue,
    /// So many days after the clock of the journey started.
    Day(u16),
    /// When the person likes.
    OnDemand,
}

impl fmt::Display for Trigger {
    /// As packs write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(step) => write!(f, "after {step}"),
            Self::FirstValue => f.write_str("first-value"),
            Self::Day(day) => write!(f, "day {day}"),
            Self::OnDemand => f.write_str("on-demand"),
        }
    }
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its words.
    pub text: String,
    /// What the answer is.
    pub kind: QuestionKind,
    /// Only after this answer to an earlier question.
    pub show_if: Option<Condition>,
}

/// What an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionKind {
    /// How likely one is to recommend it, from 0 to 10.
    Nps,
    /// How satisfied one is, from 1 to 5.
    Csat,
    /// How easy it was, from 1 to 7.
    Ces,
    /// Some of these.
    Choice {
        /// What can be chosen, with its words.
        options: IndexMap<ChoiceId, String>,
        /// Whether more than one may be.
        several: bool,
    },
    /// Free text.
    Text,
}

impl QuestionKind {
    /// Its name in packs and events.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nps => "nps",
            Self::Csat => "csat",
            Self::Ces => "ces",
            Self::Choice { .. } => "choice",
            Self::Text => "text",
        }
    }

    /// The lowest and highest score; none for what is no scale.
    pub fn scale(&self) -> Option<(u8, u8)> {
        match self {
            Self::Nps => Some((0, 10)),
            Self::Csat => Some((1, 5)),
            Self::Ces => Some((1, 7)),
            Self::Choice { .. } | Self::Text => None,
        }
    }

    /// Whether that is an answer; if not, what is.
    fn check(&self, answer: &Answer) -> Result<(), String> {
        let fits = match (self, answer) {
            (Self::Nps | Self::Csat | Self::Ces, Answer::Score { kind, score }) => {
                kind.name() == self.name()
                    && self.scale().is_some_and(|(low, high)| (low..=high).contains(score))
            }
            (Self::Choice { options, several }, Answer::Choice { chosen }) => {
                let mut once = chosen.clone();
                once.sort();
                once.dedup();
                let number = if *several { 1..=options.len() } else { 1..=1 };
                number.contains(&chosen.len())
                    && once.len() == chosen.len()
                    && chosen.iter().all(|one| options.contains_key(one))
            }
            (Self::Text, Answer::Text { text }) => {
                !text.trim().is_empty() && text.chars().count() <= LONGEST_COMMENT
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(self.expected()) }
    }

    fn expected(&self) -> String {
        match (self, self.scale()) {
            (_, Some((low, high))) => format!("a number from {low} to {high}"),
            (Self::Choice { options, several }, None) => {
                let options: Vec<&str> = options.keys().map(ChoiceId::as_str).collect();
                let number = if *several { "one or more" } else { "one" };
                format!("{number} of {}", options.join(", "))
            }
            (_, None) => format!("a text of at most {LONGEST_COMMENT} characters"),
        }
    }
}

/// A scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// 0 to 10.
    Nps,
    /// 1 to 5.
    Csat,
    /// 1 to 7.
    Ces,
}

impl Scale {
    /// Its name in packs and events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nps => "nps",
            Self::Csat => "csat",
            Self::Ces => "ces",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Nps, Self::Csat, Self::Ces].into_iter().find(|scale| scale.name() == name)
    }
}

/// What somebody answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// A place on a scale.
    Score {
        /// Which scale.
        kind: Scale,
        /// The place.
        score: u8,
    },
    /// What was chosen.
    Choice {
        /// Each once.
        chosen: Vec<ChoiceId>,
    },
    /// In their own words.
    Text {
        /// The words.
        text: String,
    },
}

/// What an earlier answer has to be for a question to be seen. A closed form, so that it can be checked when it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The earlier question.
    pub question: QuestionId,
    /// What its answer has to be.
    pub test: Test,
}

/// What an answer has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// A score from here to there.
    Between(u8, u8),
    /// One of these was chosen.
    AnyOf(Vec<ChoiceId>),
}

impl Test {
    fn holds(&self, answer: &Answer) -> bool {
        match (self, answer) {
            (Self::Between(low, high), Answer::Score { score, .. }) => (low..=high).contains(&score),
            (Self::AnyOf(wanted), Answer::Choice { chosen }) => chosen.iter().any(|one| wanted.contains(one)),
            _ => false,
        }
    }
}

/// What feedback is about: where the person was when they wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    /// A screen of the window.
    Screen {
        /// Which.
        screen: Screen,
    },
    /// A step.
    Step {
        /// Which.
        step: StepId,
    },
}

/// A screen of the window that feedback can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// Who one is.
    Welcome,
    /// What would be done.
    Road,
    /// What is done and what is next.
    Today,
    /// First value, reached.
    FirstLight,
    /// The documents.
    Docs,
    /// Projects that templates made.
    Projects,
    /// The credentials.
    Credentials,
    /// What leaves the machine.
    Privacy,
    /// What the hub says of everybody.
    Insights,
    /// Settings, and the machine.
    Settings,
}

impl Screen {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Welcome,
        Self::Road,
        Self::Today,
        Self::FirstLight,
        Self::Docs,
        Self::Projects,
        Self::Credentials,
        Self::Privacy,
        Self::Insights,
        Self::Settings,
    ];

    /// Its name in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::Road => "road",
            Self::Today => "today",
            Self::FirstLight => "first_light",
            Self::Docs => "docs",
            Self::Projects => "projects",
            Self::Credentials => "credentials",
            Self::Privacy => "privacy",
            Self::Insights => "insights",
            Self::Settings => "settings",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|screen| screen.name() == name)
    }
}

/// How a survey that was shown ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The person put it away unanswered.
    Dismissed,
    /// The program ended while it was open.
    Abandoned,
    /// The person had begun to answer and put it away; what they had answered was not kept.
    Partial,
    /// The person sent their answers.
    Sent,
}

impl Ending {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Dismissed, Self::Abandoned, Self::Partial, Self::Sent];

    /// Its name in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dismissed => "dismissed",
            Self::Abandoned => "abandoned",
            Self::Partial => "partial",
            Self::Sent => "sent",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| ending.name() == name)
    }
}

/// When a person was last asked, on whatever device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposures {
    /// Anything.
    pub any: Option<Timestamp>,
    /// How likely they are to recommend it.
    pub nps: Option<Timestamp>,
}

impl Exposures {
    /// The later of both, each.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        Self { any: self.any.max(other.any), nps: self.nps.max(other.nps) }
    }

    /// A survey that was shown then.
    pub fn shown(at: Timestamp, asks_nps: bool) -> Self {
        Self { any: Some(at), nps: asks_nps.then_some(at) }
    }
}

/// What is known of the surveys this person was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// When anything was last asked, here or elsewhere.
    pub exposures: Exposures,
    /// When each was last shown here.
    pub shown: BTreeMap<SurveyId, Timestamp>,
    /// The one that is open: shown, and not ended.
    pub open: Option<(SubmissionId, SurveyId)>,
}

#[cfg(test)]
mod tests;
