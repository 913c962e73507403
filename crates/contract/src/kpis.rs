//! What the hub says of many people: `GET /v1/insights/…`, read by the Insights page and by scripts.
//!
//! Every figure is a [`Kpi`]: it comes with how many people it is about, how sure it is, and of when it is. That something
//! is not reached yet, cannot be told, or may not be told are answers of their own ([`KpiAnswer`]), never a zero. Times are
//! days unless a field says otherwise, shares are between 0 and 1. What each figure means is in `docs/insights.md`.

mod active;
mod steps;
mod surveys;
mod ttfv;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use active::{ActiveDay, ActivityTable, ServiceRow, ServiceTable};
pub use steps::{FunnelStage, FunnelStageName, InsightsFunnel, SlaRow, SlaTable, StepRow, StepTable};
pub use surveys::{QuestionKpi, QuestionScale, SurveyKpi, SurveyKpis, SurveyQuarter};
pub use ttfv::{
    CurvePoint, ReleaseRetrospective, RetrospectiveVerdict, TimeScale, TtfvCurve, TtfvCurves, TtfvFigures,
    ValueEvent,
};

/// A figure. A new `definition_version` means that the same events would give another figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Kpi {
    /// What can be said.
    #[serde(flatten)]
    pub answer: KpiAnswer,
    /// Which definition this is.
    pub definition_version: u32,
    /// Of when it is: the latest event the hub has; nothing is said of later. Nothing before the first event.
    pub as_of: Option<String>,
    /// How many of the events that machines numbered the hub has; nothing before the first event.
    pub received_share: Option<f64>,
}

/// What can be said of a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "answer", rename_all = "snake_case")]
#[ts(export)]
pub enum KpiAnswer {
    /// A value.
    Known {
        /// The value.
        value: f64,
        /// Between which values it lies, at 95 %; an end that is not there cannot be told yet.
        ci: [Option<f64>; 2],
        /// How many it is about.
        #[serde(flatten)]
        counts: KpiCounts,
    },
    /// So few have arrived that the value is not reached yet.
    NotReached {
        /// Between which values it lies; an end that is not there cannot be told yet.
        ci: [Option<f64>; 2],
        /// How many it is about.
        #[serde(flatten)]
        counts: KpiCounts,
    },
    /// There is nobody, or too little to say something with.
    NotEnough,
    /// It is about so few people, or would tell by subtraction about so few, that it is not shown.
    Suppressed,
}

/// How many a figure is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KpiCounts {
    /// All of them.
    pub n: u32,
    /// Of how many something was still to come where the value lies; for a share, all of them.
    pub n_at_risk: u32,
    /// To how many it happened.
    pub n_events: u32,
    /// Of how many it is not known when it will: still on their way, or left.
    pub n_censored: u32,
}

/// Whom figures are about: what was asked, as it was understood. Two of persona, release and period at most; a team by
/// itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InsightsFilter {
    /// Those of this persona.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub persona: Option<String>,
    /// Those who began with this release: pack and version, as `acme@3.2.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub release: Option<String>,
    /// Those whose clock started in this month (`2026-11`), quarter (`2026-Q4`) or year (`2026`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub period: Option<String>,
    /// The people of this team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub team: Option<String>,
}

/// `GET /v1/insights/filters`: what can be asked for. What is about too few people is not among it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InsightsFilters {
    /// Personas, by name.
    pub personas: Vec<String>,
    /// Releases, by name.
    pub releases: Vec<String>,
    /// Periods, the latest first.
    pub periods: Vec<String>,
    /// Teams, by name.
    pub teams: Vec<String>,
}

/// `GET /v1/insights/summary`: the cards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InsightsSummary {
    /// Whom it is about.
    pub filter: InsightsFilter,
    /// The share of people who have got value.
    pub adoption: Adoption,
    /// How long first value took.
    pub ttfv: TtfvFigures,
    /// Who is active.
    pub active: ActiveDay,
    /// How many of those active in 28 days are so on a working day, on average.
    pub stickiness: Kpi,
    /// The share of steps that were tried and failed at least once, over all steps.
    pub step_failure: Kpi,
}

/// Who has got value, of whom: one numerator, three denominators. Value is what happened since the clock of a journey
/// started: its first value, or a merged change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Adoption {
    /// Of everybody who was given a code. Not told under a filter: whoever has begun nothing has no persona, release, period.
    pub organisation: Kpi,
    /// Of those who have begun a journey and not left it before they got value: whom the platform could help.
    pub could_help: Kpi,
    /// Of those, who did something in the last 28 days, in Firstlight or with a service: who use it.
    pub use_it: Kpi,
}

/// `GET /v1/insights/completeness`: how much of what happened the hub knows. About machines, not people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Completeness {
    /// Of when it is; nothing before the first event.
    pub as_of: Option<String>,
    /// Machines that were let in.
    pub devices: u32,
    /// Machines that have sent something.
    pub devices_heard: u32,
    /// Events machines have numbered, as far as is known.
    pub produced: u32,
    /// Events in the log.
    pub accepted: u32,
    /// Events refused for good.
    pub refused: u32,
    /// Events that have not arrived.
    pub missing: u32,
    /// Accepted ÷ produced.
    pub received_share: Option<f64>,
    /// Journeys whose beginning has arrived.
    pub journeys: u32,
    /// Journeys of which other events have arrived, and not the beginning: they are in no figure yet.
    pub journeys_without_beginning: u32,
    /// Journeys whose clock started at a time the machine did not say: they are in no time to first value.
    pub journeys_without_clock: u32,
}
