//! What people think.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Kpi;

/// `GET /v1/insights/surveys`: what people think, quarter by quarter, of answers that were let out (see `docs/insights.md`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyKpis {
    /// The latest first.
    pub quarters: Vec<SurveyQuarter>,
}

/// One quarter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyQuarter {
    /// Which, as `2026-Q4`.
    pub quarter: String,
    /// The share of promoters less that of detractors, from -100 to 100, over all such questions together. Whose interval is
    /// more than 20 points to each side is `not_enough`.
    pub nps: Kpi,
    /// The share of answers in the upper two of five, over all such questions together.
    pub csat: Kpi,
    /// The mean of how easy it was, from 1 to 7, over all such questions together.
    pub ces: Kpi,
    /// The share of showings that ended with an answer, of all surveys together.
    pub response: Kpi,
    /// Each survey, by name.
    pub surveys: Vec<SurveyKpi>,
}

/// One survey in one quarter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SurveyKpi {
    /// Its id.
    pub survey: String,
    /// The share of showings that ended with an answer; the others were put away, or closed with the program.
    pub response: Kpi,
    /// Its questions on a scale, by name.
    pub questions: Vec<QuestionKpi>,
}

/// One question on a scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QuestionKpi {
    /// Its id.
    pub question: String,
    /// Its scale.
    pub scale: QuestionScale,
    /// How many answers were let out, also where they are not enough for a figure.
    pub answers: u32,
    /// The figure.
    pub figure: Kpi,
}

/// A scale that is answered on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum QuestionScale {
    /// How likely one is to recommend it, from 0 to 10.
    Nps,
    /// How satisfied one is, from 1 to 5.
    Csat,
    /// How easy it was, from 1 to 7.
    Ces,
}
