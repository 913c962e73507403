//! What has left this machine, and what will.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::ErrorBody;

/// The Privacy screen and `firstlight events --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PrivacyView {
    /// Whether the person lets events be shared.
    pub sharing: Sharing,
    /// Where they go; nothing leaves without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hub: Option<HubView>,
    /// The name those see whom a step waits for; none: they see no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub asks_as: Option<String>,
    /// What waits to be sent, oldest first.
    pub queued: Vec<EventView>,
    /// What never leaves, because sharing was paused when it happened; oldest first.
    pub held_back: Vec<EventView>,
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
    /// Nothing is sent, and what happens meanwhile never is.
    Paused,
}

/// The hub this machine sends to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HubView {
    /// Its address.
    pub address: String,
    /// When this machine was let in.
    pub joined_at: String,
    /// When it last took something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub last_sent_at: Option<String>,
    /// Why the last try did not work, as long as none has worked since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub problem: Option<ErrorBody>,
}

/// Where events go, and how many: `firstlight hub --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HubStanding {
    /// Whether the person lets events be shared.
    pub sharing: Sharing,
    /// Where they go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hub: Option<HubView>,
    /// How many wait to be sent.
    pub waiting: u32,
    /// How many were sent.
    pub sent: u32,
    /// The name those see whom a step waits for; none: they see no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub asks_as: Option<String>,
}

/// A hub to send to from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HubAsked {
    /// Its address.
    pub address: String,
    /// The single-use code the person was given.
    pub code: String,
}

/// One event, byte for byte as it would be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EventView {
    /// Its id (UUIDv7).
    pub id: String,
    /// Its number among the events of this device that leave, from 1; none if it is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub sequence: Option<u32>,
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
    /// Why the hub did not want it, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub refused: Option<String>,
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
