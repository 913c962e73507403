//! Surveys and feedback: what the window and the terminal show of them, and what a hub says of them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `firstlight survey list --json`, and what the window asks when it is quiet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveysView {
    /// The one that may be asked now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub due: Option<SurveyEntry>,
    /// Those that can be answered whenever one likes.
    pub open: Vec<SurveyEntry>,
    /// Where answers and feedback go.
    pub reach: SurveyReach,
}

/// Where what a person answers goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SurveyReach {
    /// It stays on this machine: sharing is paused.
    #[default]
    StaysHere,
    /// It is sent, or waits until it can be.
    Leaves,
}

/// A survey, before it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyEntry {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Who sees the answers.
    pub audience: String,
}

/// A survey by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyRef {
    /// The id.
    pub survey: String,
}

/// A survey as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyView {
    /// This showing; what comes of it is told with it.
    pub submission: String,
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Who sees the answers, in plain words.
    pub audience: String,
    /// Where they go.
    pub reach: SurveyReach,
    /// In order.
    pub questions: Vec<QuestionView>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QuestionView {
    /// Its id.
    pub id: String,
    /// Its words.
    pub text: String,
    /// What the answer is.
    pub kind: QuestionForm,
    /// Only after this answer to an earlier question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub show_if: Option<ShowIf>,
}

/// What an answer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "form", rename_all = "snake_case")]
#[ts(export)]
pub enum QuestionForm {
    /// From 0, not likely at all, to 10, extremely likely.
    Nps,
    /// From 1, not at all satisfied, to 5, very satisfied.
    Csat,
    /// From 1, strongly disagree, to 7, strongly agree.
    Ces,
    /// Some of these.
    Choice {
        /// What can be chosen.
        options: Vec<ChoiceOption>,
        /// Whether more than one may be.
        several: bool,
    },
    /// Free text.
    Text {
        /// How many characters at most.
        longest: u32,
    },
}

/// What can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChoiceOption {
    /// Its id.
    pub id: String,
    /// Its words.
    pub text: String,
}

/// What an earlier answer has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ShowIf {
    /// The earlier question.
    pub question: String,
    /// For a scale: the lowest and the highest answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub between: Option<(u8, u8)>,
    /// For a choice: one of these.
    pub any_of: Vec<String>,
}

/// An answer on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "form", rename_all = "snake_case")]
#[ts(export)]
pub enum AnswerGiven {
    /// A place on the question's scale.
    Score {
        /// The place.
        score: u8,
    },
    /// What was chosen.
    Choice {
        /// The options' ids.
        chosen: Vec<String>,
    },
    /// In one's own words.
    Text {
        /// The words.
        text: String,
    },
}

/// Answers to a survey that was shown, as they are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyAnswers {
    /// Which showing.
    pub submission: String,
    /// By question.
    pub answers: std::collections::BTreeMap<String, AnswerGiven>,
}

/// A survey was put away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyPutAway {
    /// Which showing.
    pub submission: String,
    /// Whether anything had been answered, which is not kept.
    pub begun: bool,
}

/// What a person thinks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FeedbackGiven {
    /// In their words.
    pub text: String,
    /// Their name, if they want to give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
}

/// What became of answers or feedback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyKept {
    /// Its id.
    pub submission: String,
    /// Where it goes.
    pub reach: SurveyReach,
}

/// `GET /v1/surveys/cooldown`: when the person whose device asks was last asked, on any of their devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cooldown {
    /// Anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<String>,
    /// How likely they are to recommend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nps_asked_at: Option<String>,
}

/// `GET /v1/surveys/results`: what people said in a quarter, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyResults {
    /// For example `2026-Q4`, by when answers arrived.
    pub quarter: String,
    /// Nothing is told of fewer people.
    #[ts(type = "number")]
    pub smallest: u64,
    /// Nobody's own words are told of fewer people.
    #[ts(type = "number")]
    pub smallest_for_words: u64,
    /// By survey.
    pub surveys: Vec<SurveyResult>,
    /// What people wrote by themselves.
    pub feedback: FeedbackResult,
}

/// What came of one survey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyResult {
    /// Its id.
    pub survey: String,
    /// How it ended where it was shown; none while too few are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub endings: Option<EndingCounts>,
    /// By question.
    pub questions: Vec<QuestionResult>,
}

/// How a survey ended, in people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EndingCounts {
    /// Put away unanswered.
    #[ts(type = "number")]
    pub dismissed: u64,
    /// The program ended while it was open.
    #[ts(type = "number")]
    pub abandoned: u64,
    /// Put away after some answers, which were not kept.
    #[ts(type = "number")]
    pub partial: u64,
    /// Sent.
    #[ts(type = "number")]
    pub sent: u64,
}

/// What was answered to one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QuestionResult {
    /// Its id.
    pub question: String,
    /// `nps`, `csat`, `ces`, `choice` or `text`.
    pub kind: String,
    /// How many people what is told is about; 0 while there are too few, or all said the same.
    #[ts(type = "number")]
    pub n: u64,
    /// False: not enough answers to say a figure.
    pub enough: bool,
    /// The NPS (−100 to 100), the share of satisfied people, or the mean effort score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub value: Option<f64>,
    /// The lower end of its 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub low: Option<f64>,
    /// The upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub high: Option<f64>,
    /// How many people gave which answer.
    pub counts: Vec<AnswerCount>,
    /// What people wrote, in alphabetical order.
    pub texts: Vec<String>,
}

/// How many people gave an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AnswerCount {
    /// Which.
    pub answer: String,
    /// How many.
    #[ts(type = "number")]
    pub n: u64,
}

/// What people wrote by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FeedbackResult {
    /// With the name that was given, and the text.
    pub signed: Vec<(String, String)>,
    /// Without a name, in alphabetical order; empty while too few people wrote.
    pub texts: Vec<String>,
}
