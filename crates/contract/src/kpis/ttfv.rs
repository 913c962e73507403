//! How long first value takes, and whether a release made it sooner.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{InsightsFilter, Kpi};

/// What a time to value is a time to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ValueEvent {
    /// The step that the pack calls first value.
    #[default]
    FirstValue,
    /// The first change that was merged since the clock started.
    Merged,
}

/// In which time something is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TimeScale {
    /// All of it, in days of 24 hours.
    #[default]
    Elapsed,
    /// What people work in, in working days.
    Business,
}

/// How long first value takes, from when the clock starts. In days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TtfvFigures {
    /// Until when half have arrived (Kaplan–Meier).
    pub median: Kpi,
    /// Until when three quarters have.
    pub p75: Kpi,
    /// Until when nine in ten have.
    pub p90: Kpi,
    /// The share that has arrived within 30 days; who left counts as one who never will.
    pub within_30_days: Kpi,
    /// The mean in which whoever takes longer than 30 days counts with 30.
    pub restricted_mean: Kpi,
    /// What the plain median of those who arrived would say. Over those alone it flatters.
    pub naive_median: Kpi,
}

/// `GET /v1/insights/ttfv?by=persona|release|team&value=first_value|merged&time=elapsed|business`: curves beside each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TtfvCurves {
    /// Whom it is about.
    pub filter: InsightsFilter,
    /// The time to what.
    pub value: ValueEvent,
    /// In which time; its days are those of all that follows.
    pub time: TimeScale,
    /// One for each persona, release or team, by name; one called `all` if nothing was asked for.
    pub groups: Vec<TtfvCurve>,
    /// Whether those that are shown differ; nothing where fewer than two say something.
    pub logrank: Option<crate::insights::LogRankView>,
}

/// The curve of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TtfvCurve {
    /// Its name.
    pub name: String,
    /// Its figures.
    pub figures: TtfvFigures,
    /// The curve; empty where it may not be shown. It ends where fewer than five are at risk.
    pub points: Vec<CurvePoint>,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CurvePoint {
    /// Days since the clock started.
    pub days: f64,
    /// The share still on their way after it.
    pub waiting: f64,
    /// Between which values that lies, at 95 %.
    pub ci: [Option<f64>; 2],
    /// How many were still on their way just before it.
    pub at_risk: u32,
    /// How many have arrived by it.
    pub arrived: u32,
}

/// `GET /v1/insights/retrospective?pack=acme&release=3.2.0&before=3.1.0`: whether a release helped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReleaseRetrospective {
    /// Those who began with the release before.
    pub before: TtfvCurve,
    /// Those who began with the release.
    pub after: TtfvCurve,
    /// By how many days the mean up to `until_days` is shorter; below 0: longer.
    pub gain: Kpi,
    /// The log-rank test; nothing where nothing can be compared, or shown.
    pub logrank: Option<crate::insights::LogRankView>,
    /// What to make of it.
    pub verdict: RetrospectiveVerdict,
    /// Up to which day waits are compared.
    pub until_days: f64,
    /// By how many days the mean has to change to matter.
    pub smallest_that_matters_days: f64,
}

/// What can be said of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RetrospectiveVerdict {
    /// People wait less.
    Better,
    /// People wait longer.
    Worse,
    /// Nothing that would matter has changed, and enough people tell.
    NoDifference,
    /// Too few people, or too little time, to tell; or too few to say.
    NotEnough,
}
