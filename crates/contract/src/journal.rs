//! The journal, as the CLI shows it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `firstlight journal verify --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JournalCheck {
    /// Whether every record is as it was written, as far as it is anchored.
    pub ok: bool,
    /// How many records there are.
    pub records: u32,
    /// How many of them a signed checkpoint covers.
    pub anchored: u32,
    /// The first record (from 0) that is not as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub first_bad: Option<u32>,
    /// What was found, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
}

/// `firstlight journal checkpoint --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CheckpointView {
    /// How many records it covers.
    pub records: u32,
    /// The Merkle tree's root, base64.
    pub root: String,
    /// The signed note, as C2SP writes it.
    pub note: String,
}
