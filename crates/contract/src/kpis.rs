//! What the hub says of many people: `GET /v1/insights/…`, read by the Insights page and by scripts.
//!
//! Every figure is a [`Kpi`]: it comes with how many people it is about, how sure it is, and of when it is. That something
//! is not reached yet, cannot be told, or may not be told are answers of their own ([`KpiAnswer`]), never a zero. Times are
//! days unless a field says otherwise, shares are between 0 and 1. What each figure means is in `docs/insights.md`.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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

/// `GET /v1/insights/activity`: who is active, day by day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityTable {
    /// Whom it is about: persona and release are those of the journey a person began last by then; the period is the days.
    pub filter: InsightsFilter,
    /// Each day, in order; the last 28 days if no period was asked for.
    pub days: Vec<ActiveDay>,
}

/// Who is active by one day of the organisation's zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActiveDay {
    /// The day, as `2026-11-26`; nothing before the first event.
    pub day: Option<String>,
    /// People active on it.
    pub daily: Kpi,
    /// In the 7 days that end with it.
    pub weekly: Kpi,
    /// In the 28 days that end with it.
    pub monthly: Kpi,
}

/// `GET /v1/insights/services`: how services are used, month by month. Never about one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServiceTable {
    /// Whom it is about: persona and release are those of the journey a person began last by the end of the month; the period
    /// is the months.
    pub filter: InsightsFilter,
    /// The last day on which a use of a service is known, as `2026-11-26`; nothing before the first.
    pub until: Option<String>,
    /// One for each service and month, by name, the latest month first; of the last three months if no period was asked for.
    pub services: Vec<ServiceRow>,
    /// How many more there would be, which so few people used that they are not shown.
    pub hidden: u32,
}

/// How a service was used in one month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServiceRow {
    /// The service.
    pub service: String,
    /// The month, as `2026-11`.
    pub month: String,
    /// Distinct people who used it.
    pub users: Kpi,
    /// How often each of them used it, on average.
    pub uses_per_user: Kpi,
    /// The share of uses that worked.
    pub success: Kpi,
}

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
