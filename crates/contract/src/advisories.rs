//! What advisories say of this machine and its projects.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FindingSeverity {
    /// Nobody says.
    Unknown,
    /// Low.
    Low,
    /// Moderate.
    Moderate,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// An advisory that is about something that is there, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FindingView {
    /// The advisory's id.
    pub advisory: String,
    /// Other ids of the same thing.
    pub aliases: Vec<String>,
    /// What it is, in a line.
    pub title: String,
    /// How bad.
    pub severity: FindingSeverity,
    /// The package, or the program.
    pub package: String,
    /// The version that is there.
    pub version: String,
    /// The lowest version above it that is not affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub fixed: Option<String>,
    /// In which project; nothing for a program of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub project: Option<FindingProject>,
    /// What brings the version that is not affected: words of a command to be run in the project.
    pub command: Vec<String>,
    /// What to do about it, in the advisory's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub advice: Option<String>,
    /// Where more is said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub link: Option<String>,
    /// Since when it is known here; nothing where it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub since: Option<String>,
    /// Whether steps that work with it are blocked.
    pub blocks: bool,
    /// That the person lives with it for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub accepted: Option<AcceptedView>,
    /// The last day until which it may be accepted; nothing if the pack does not let it be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub acceptable_until: Option<String>,
}

/// The project a finding is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FindingProject {
    /// The step that made it; nothing for a folder that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub step: Option<String>,
    /// Its folder's name.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// The lockfile, from there.
    pub lockfile: String,
}

/// That somebody lives with a finding for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AcceptedView {
    /// The last day, `2026-12-31`.
    pub until: String,
    /// Why, in their words.
    pub because: String,
}

/// What a person asks to live with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AcceptFinding {
    /// The advisory.
    pub advisory: String,
    /// The last day, `2026-12-31`.
    pub until: String,
    /// Why.
    pub because: String,
}

/// An advisory by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AdvisoryRef {
    /// The id.
    pub advisory: String,
}

/// `firstlight scan --json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScanView {
    /// What was found, the worst first.
    pub findings: Vec<FindingView>,
    /// How many advisories the pack has that are in effect.
    pub advisories: u32,
    /// What was looked at: lockfiles and programs.
    pub looked_at: Vec<LookedAt>,
    /// What an advisory may be about and could not be told.
    pub unsure: Vec<Unsure>,
    /// What is listed in lockfiles and cannot be judged, and that no advisory is about.
    pub not_judged: Vec<Unsure>,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LookedAt {
    /// A lockfile with its folder, or a program.
    pub what: String,
    /// How many packages it lists.
    pub packages: u32,
}

/// Something that could not be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Unsure {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}
