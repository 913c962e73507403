//! The few things a person can choose.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Kept in `settings.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct Settings {
    /// Light or dark.
    pub theme: Theme,
    /// Which language; empty follows the system.
    pub language: String,
    /// Less motion than the system asks for.
    pub reduce_motion: bool,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// Everything the window needs for its first paint, in one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Launch {
    /// The app's version.
    pub version: String,
    /// What the person chose.
    pub settings: Settings,
    /// The pack at hand: the journey's, the link's, the company's, or the sample.
    pub pack: Option<crate::pack::PackOverview>,
    /// The journey, if one has begun.
    pub journey: Option<crate::journey::JourneyView>,
    /// What is wrong with this machine's Firstlight, if anything (damaged journal, unreadable pack).
    pub problem: Option<crate::error::ErrorBody>,
    /// The data folder.
    pub home: String,
}
