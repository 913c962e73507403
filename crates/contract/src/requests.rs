//! What somebody else is asked through a hub: what the window and the terminal show of it, the queue of those who answer, and
//! what a device and a hub say to each other of it. Instants are RFC 3339 strings in UTC.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A step that somebody was asked for through the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RequestView {
    /// Who was asked, as the pack names them.
    pub owner: String,
    /// Since when.
    pub asked_at: String,
    /// The name they see; none: they see no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// What they answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub answer: Option<RequestAnswer>,
}

/// What was answered. The words are somebody's: plain text, to be shown as such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RequestAnswer {
    /// What.
    pub reply: RequestReply,
    /// What they wrote with it; empty if nothing.
    pub words: String,
    /// Who answered.
    pub by: String,
    /// When.
    pub at: String,
}

/// What an owner can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RequestReply {
    /// It is done.
    Done,
    /// It will not be done.
    Refused,
}

/// The name those see who are asked for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AskingName {
    /// The name; none, or an empty one: no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
}

/// `GET /v1/requests`: what is asked of somebody, what is due first at the top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RequestQueue {
    /// Of when it is.
    pub as_of: String,
    /// The requests, 500 at most.
    pub requests: Vec<QueuedRequest>,
    /// How many there are in all.
    pub total: u32,
}

/// A request, as those see it who answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QueuedRequest {
    /// Its id, by which it is answered.
    pub id: String,
    /// Who is asked, as the pack names them.
    pub owner: String,
    /// What for: the title of the step.
    pub title: String,
    /// The step's id in the pack.
    pub step: String,
    /// The name the person agreed to send with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// The number the hub knows the person by: tells requests of one person from those of another.
    pub person: u32,
    /// When the person began to wait, by their machine's clock.
    pub asked_at: String,
    /// When it reached the hub. What was promised counts from here: nobody can answer what they do not know of.
    pub received_at: String,
    /// What was promised, as the pack writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub sla: Option<String>,
    /// Until when; none where nothing was promised that can be reckoned with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub due_at: Option<String>,
    /// The version of the working hours that was reckoned by, where they matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub calendar: Option<u32>,
    /// How many seconds are left, on the clock; below 0 past due. None once it is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub left_seconds: Option<i32>,
    /// Whether what was promised was kept.
    pub promise: PromiseView,
    /// What became of it.
    pub state: RequestState,
    /// When that was; none while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub settled_at: Option<String>,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub answer: Option<RequestAnswer>,
}

/// Whether what was promised was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum PromiseView {
    /// Nothing was promised, or the request was withdrawn in time.
    None,
    /// There is still time.
    Open,
    /// In time.
    Met,
    /// Too late, or not yet and past due.
    Breached,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RequestState {
    /// It waits for an answer.
    Open,
    /// It was answered.
    Answered,
    /// The person's machine found that what was asked for is there.
    Granted,
    /// The person does not need it any more.
    Withdrawn,
}

/// `POST /v1/requests/{id}/answer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ReplyGiven {
    /// What.
    pub reply: RequestReply,
    /// Words for the person; who refuses says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub words: Option<String>,
    /// The name the person sees; the owner's if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
}

/// `GET /v1/devices/self/requests`: what became of what a device asked for last, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequests {
    /// The answered ones, 100 at most.
    pub answered: Vec<DeviceRequest>,
}

/// A request of a device that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// Its id, as the device gave it.
    pub request: String,
    /// What was answered.
    pub answer: RequestAnswer,
}
