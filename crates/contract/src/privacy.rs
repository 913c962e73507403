//! What has left this machine, and what will.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The Privacy screen and `firstlight events --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PrivacyView {
    /// Whether the person lets events be shared.
    pub sharing: Sharing,
    /// Where they would go; nothing leaves without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub destination: Option<String>,
    /// What waits to be sent, oldest first.
    pub queued: Vec<EventView>,
    /// What has been sent, newest first.
    pub sent: Vec<EventView>,
    /// Every property that may ever leave, with its class.
    pub properties: Vec<PropertyView>,
}

/// What the person has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Sharing {
    /// Events may be sent.
    On,
    /// Events are kept here until sharing is on again.
    Paused,
}

/// One event, byte for byte as it would be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EventView {
    /// Its id (UUIDv7).
    pub id: String,
    /// Its place among this device's events, from 1.
    pub sequence: u32,
    /// When it happened.
    pub time: String,
    /// Its CloudEvents type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The whole CloudEvent as JSON text.
    pub body: String,
    /// When it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub sent_at: Option<String>,
}

/// One property that events may carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PropertyView {
    /// Its name in the event.
    pub name: String,
    /// How sensitive it is.
    pub classification: Classification,
    /// What it is for.
    pub purpose: String,
    /// How long it is kept, in days.
    pub retention_days: u32,
}

/// How sensitive a property is. Sensitive ones never leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Classification {
    /// Anyone may know.
    Public,
    /// For the company.
    Internal,
    /// About a person.
    Personal,
    /// Never leaves this machine.
    Sensitive,
}
