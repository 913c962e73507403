//! Time to first value, and where it went.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What First light shows and `firstlight report --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReportView {
    /// Absent until first value is reached.
    pub ttfv: Option<Ttfv>,
    /// Where the time went; adds up to `elapsed_seconds`.
    pub waterfall: Vec<WaterfallPart>,
    /// From clock start to first value, or to now.
    pub elapsed_seconds: u32,
    /// When the clock started.
    pub clock_start: String,
    /// Why it started then.
    pub clock: ClockKind,
    /// The title of the first value.
    pub first_value: String,
    /// The longest steps, longest first.
    pub steps: Vec<StepTime>,
}

/// Time to first value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Ttfv {
    /// Whole seconds.
    pub seconds: u32,
    /// When the clock started.
    pub clock_start: String,
    /// When first value was verified.
    pub reached_at: String,
}

/// One kind of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WaterfallPart {
    /// Which kind.
    pub kind: TimeKind,
    /// How much of it.
    pub seconds: u32,
}

/// Kinds of time on the way to first value. Each second counts once, for the first kind that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TimeKind {
    /// The machine was working.
    Automatic,
    /// Something had failed and was not yet mended.
    Failing,
    /// It was the newcomer's turn.
    HandsOn,
    /// It was somebody else's turn.
    Waiting,
    /// None of these.
    Away,
}

/// Why the clock started when it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ClockKind {
    /// The first working day, as declared.
    StartDate,
    /// The moment the journey began in Firstlight.
    FirstLaunch,
}

/// How long one step took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepTime {
    /// The step.
    pub step: String,
    /// Its title.
    pub title: String,
    /// Time the machine worked on it.
    pub running_seconds: u32,
    /// Time it waited for somebody.
    pub waiting_seconds: u32,
}
