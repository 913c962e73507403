//! Figures for the platform team.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `firstlight insights ttfv --json`: how long it took people, in the unit of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TtfvView {
    /// One for each name in the column of groups, in the order of names; one called `all` where no column was named.
    pub groups: Vec<TtfvGroup>,
    /// Whether the groups differ; nothing where fewer than two of them say something.
    pub logrank: Option<LogRankView>,
    /// Which definition this is; another number when the same people would give another figure.
    pub definition_version: u32,
}

/// How long it took the people of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TtfvGroup {
    /// Its name.
    pub name: String,
    /// How many people.
    pub n: u32,
    /// How many of them arrived.
    pub n_events: u32,
    /// Of how many it is not known when they would have: those still on their way, and those who left.
    pub n_censored: u32,
    /// How many of these left, or were moved to something else.
    pub n_left: u32,
    /// Until when half of them have arrived (Kaplan–Meier); nothing if they have not.
    pub median: Option<f64>,
    /// Between which values the median lies, at 95 % (log-log); an end that is not there cannot be told yet.
    pub ci: [Option<f64>; 2],
    /// Until when three quarters have arrived.
    pub p75: Option<f64>,
    /// Until when nine in ten have.
    pub p90: Option<f64>,
    /// The mean up to a time, which is the same for all groups; nothing if it cannot be told that far.
    pub restricted_mean: Option<RestrictedMean>,
    /// The plain median of those who arrived, which leaves out everybody who is still waiting.
    pub naive_median: Option<f64>,
}

/// A mean in which those who take longer than a time count with that time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RestrictedMean {
    /// The time.
    pub until: f64,
    /// The mean.
    pub value: f64,
    /// Between which values it lies, at 95 %.
    pub ci: [f64; 2],
}

/// The log-rank test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LogRankView {
    /// The statistic.
    pub chi2: f64,
    /// Degrees of freedom.
    pub df: u32,
    /// How likely a difference at least as large is where there is none.
    pub p: f64,
}
