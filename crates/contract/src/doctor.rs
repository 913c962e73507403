//! What `firstlight doctor` finds and sets.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::plan::PlanView;

/// Facts about this machine that decide whether a first day goes well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DoctorView {
    /// Whether no finding is bad.
    pub ok: bool,
    /// One per thing looked at.
    pub findings: Vec<Finding>,
    /// Whether the doctor has set something that it can take back.
    #[serde(default)]
    pub can_undo: bool,
}

/// What the doctor shall look at before it says what it would set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FixAsked {
    /// Go by the file of certificates that was chosen last, not by this machine's store.
    pub chosen_certificates: bool,
}

/// Agreement to what the doctor would set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FixConsent {
    /// The plan's `consent` hash.
    pub consent: String,
}

/// What helps somebody else help, as it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HelpBundle {
    /// All of it: plain text, masked, without the names of the person and the machine.
    pub text: String,
    /// Who answers for the step it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub to: Option<String>,
}

/// What the doctor would set, or has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FixView {
    /// The plan; without steps if there is nothing to set.
    pub plan: PlanView,
    /// What is left as the person set it though it is not what this machine needs: sentences.
    pub kept: Vec<String>,
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Finding {
    /// For example `disk`, `keychain`, `network`, `proxy`, `ca`, `clock`, `admin`, `tool-npm`.
    pub id: String,
    /// What was looked at, in words.
    pub title: String,
    /// How it is.
    pub level: FindingLevel,
    /// What was seen.
    pub found: String,
    /// What to do, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hint: Option<String>,
    /// Whether the doctor may set it, if the person agrees.
    #[serde(default)]
    pub can_fix: bool,
}

/// How a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FindingLevel {
    /// Fine.
    Ok,
    /// Could get in the way.
    Warn,
    /// Will get in the way.
    Bad,
    /// Could not be found out.
    Unknown,
}
