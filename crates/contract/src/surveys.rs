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
    /// The one that is shown and was neither sent nor put away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub shown: Option<SurveyEntry>,
    /// Whether nothing needs the person: no step runs, failed or is blocked.
    pub quiet: bool,
    /// Those that can be answered whenever one likes.
    pub open: Vec<SurveyEntry>,
    /// Where answers and feedback go.
    pub reach: SurveyReach,
    /// Who reads feedback: whoever writes the pack, as it names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub readers: Option<String>,
}

/// Where what a person answers goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SurveyReach {
    /// It stays on this machine: sharing is paused.
    #[default]
    StaysHere,
    /// It waits on this machine: there is no hub yet that it could be sent to.
    WaitsForHub,
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

/// A survey as a pack has it, for whoever writes or reviews packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyOutline {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Who sees the answers.
    pub audience: String,
    /// When it is asked, as packs write it: `first-value`, `after STEP`, `day 7`, `on-demand`.
    pub when: Vec<String>,
    /// The titles of the personas it is asked of; everybody if empty.
    pub personas: Vec<String>,
    /// Only where this expression is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub condition: Option<String>,
    /// Why it is asked of people, too, who were asked something lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub sooner: Option<String>,
    /// Every question, seen at once or only after an answer.
    pub questions: Vec<QuestionOutline>,
}

/// A question as a pack has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QuestionOutline {
    /// Its id.
    pub id: String,
    /// `nps`, `csat`, `ces`, `choice` or `text`.
    pub kind: String,
    /// Its words.
    pub text: String,
    /// The question whose answer decides whether it is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub goes_by: Option<String>,
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
    /// Why it is asked although the person was asked lately; none if they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub sooner: Option<String>,
    /// Those that are seen before anything is answered, in order.
    pub questions: Vec<QuestionView>,
}

/// The questions that are seen with what was answered so far, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyQuestions {
    /// The questions.
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

/// Answers to a survey that is shown: as far as they go, or as they are sent.
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
    /// What it is about, if they say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub about: Option<FeedbackAbout>,
}

/// What feedback is about: where the person was when they wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(tag = "about", rename_all = "snake_case")]
#[ts(export)]
pub enum FeedbackAbout {
    /// A screen of the window.
    Screen {
        /// Which.
        screen: ScreenName,
    },
    /// A step.
    Step {
        /// Its id.
        step: String,
    },
}

/// A screen of the window that feedback can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ScreenName {
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

impl ScreenName {
    /// Its name on the wire.
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
    /// With the name that was given.
    pub signed: Vec<SignedFeedback>,
    /// Without a name, in alphabetical order; empty while too few people wrote.
    pub texts: Vec<String>,
    /// Of these, what is about one place, where enough people wrote about it.
    pub places: Vec<PlaceFeedback>,
}

/// What somebody wrote by themselves and put their name to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SignedFeedback {
    /// The name they gave.
    pub name: String,
    /// What they wrote.
    pub text: String,
    /// What it is about, if they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<FeedbackAbout>,
}

/// What people wrote about one place, without a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PlaceFeedback {
    /// Which.
    pub about: FeedbackAbout,
    /// What they wrote, in alphabetical order.
    pub texts: Vec<String>,
}
