//! The hub's audit log over HTTP. The window never reads it, so this has no TypeScript twin.

use serde::{Deserialize, Serialize};

/// `GET /v1/audit?after=…`: what was done at the hub, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The acts.
    pub acts: Vec<AuditedAct>,
    /// What `after` has to be for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedAct {
    /// Its place in the log, from 1.
    pub seq: u64,
    /// When, RFC 3339 in UTC; none of what a newer hub wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Who did it, in words.
    pub who: String,
    /// What, in words.
    pub what: String,
}
