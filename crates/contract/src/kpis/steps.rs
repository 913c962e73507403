//! What steps cost, how far people get, and whether owners of steps keep what they promise.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{InsightsFilter, Kpi};

/// `GET /v1/insights/steps`: what each step costs, the most costly first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepTable {
    /// Whom it is about.
    pub filter: InsightsFilter,
    /// One for each step that was entered.
    pub steps: Vec<StepRow>,
}

/// One step. Times are minutes here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepRow {
    /// The pack it is of.
    pub pack: String,
    /// Its id.
    pub step: String,
    /// The median of minutes from where it was tried first, or waited for somebody, until it was done (Kaplan–Meier).
    pub minutes: Kpi,
    /// The share of journeys in which it failed at least once, of those that tried it.
    pub failure: Kpi,
    /// Mean minutes a journey spent doing it.
    pub doing: Kpi,
    /// Mean minutes a journey waited in it for somebody, the person themself included.
    pub waiting: Kpi,
    /// Mean minutes a journey had it failed, until it was tried again.
    pub failing: Kpi,
    /// Days lost in it, of all people together: what it costs.
    pub person_days: Kpi,
}

/// `GET /v1/insights/funnel`: how far people get in 30 days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InsightsFunnel {
    /// Whom it is about.
    pub filter: InsightsFilter,
    /// The stages, each with the share of those who entered and have had their 30 days.
    pub stages: Vec<FunnelStage>,
    /// How many have entered and still have time.
    pub under_way: Kpi,
}

/// One stage of the funnel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FunnelStage {
    /// Which.
    pub stage: FunnelStageName,
    /// The share that reached it.
    pub reached: Kpi,
}

/// What there is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FunnelStageName {
    /// The journey began.
    Began,
    /// A step was tried.
    Tried,
    /// A step was done.
    StepDone,
    /// First value.
    FirstValue,
}

/// `GET /v1/insights/sla`: whether those who are asked for something keep what they promise. About requests: `n` were answered in
/// time or are past due, `n_events` in time, `n_censored` still have time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SlaTable {
    /// Whose requests it is about.
    pub filter: InsightsFilter,
    /// The share of promises that were kept, whoever gave them; under a filter, of those owners that are told of.
    pub overall: Kpi,
    /// By owner, those whom most people asked, 50 at most.
    pub owners: Vec<SlaRow>,
}

/// How one owner keeps what they promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SlaRow {
    /// Who, as packs name them.
    pub owner: String,
    /// The share of promises that were kept.
    pub kept: Kpi,
}
