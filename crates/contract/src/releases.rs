//! Releases of the pack this machine receives.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::ErrorBody;

/// How this machine stands with the releases of its pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UpdateView {
    /// Where releases come from; nothing if this machine has not enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub enrolled: Option<EnrolledView>,
    /// The release in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub current: Option<ReleaseView>,
    /// Whether that release was received just now.
    pub taken: bool,
    /// Newer releases that are not for this machine, or not yet, the newest first.
    pub held_back: Vec<HeldBackView>,
    /// Why nothing newer is received: what was wrong the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub refused: Option<ErrorBody>,
}

/// A repository this machine has enrolled with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EnrolledView {
    /// Its address.
    pub url: String,
    /// The pack that is received.
    pub pack: String,
}

/// A release that was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReleaseView {
    /// Its version.
    pub version: String,
    /// Where it is.
    pub path: String,
    /// When it was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub received_at: Option<String>,
}

/// A release this machine does not get, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HeldBackView {
    /// Its version.
    pub version: String,
    /// Why.
    pub why: HeldBackWhy,
}

/// Why a machine does not get a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum HeldBackWhy {
    /// It goes to some first, and this machine is not among them yet.
    Ring {
        /// How many have it, in per cent.
        share: u8,
    },
    /// It was halted.
    Halted {
        /// Why, in the words of whoever did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        reason: Option<String>,
    },
}
