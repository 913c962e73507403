//! What devices and a hub say to each other over HTTP.
//!
//! Events themselves are CloudEvents 1.0 as the outbox makes them (`application/cloudevents-batch+json`); here is what
//! goes with them. The window never speaks to a hub, so these have no TypeScript twins. Instants are RFC 3339 strings in UTC.

use serde::{Deserialize, Serialize};

/// The content type of a batch of events.
pub const BATCH: &str = "application/cloudevents-batch+json";

/// The header of a batch in which a device says what its clock shows as it sends, in milliseconds since 1970. The hub learns from it
/// how wrong that clock is, and when the events of the batch happened.
pub const SENT_AT: &str = "firstlight-sent-at";

/// `POST /v1/devices`: a device asks to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The single-use code the person was given.
    pub code: String,
    /// What the device calls itself in the `source` of its events: `urn:uuid:…`.
    pub source: String,
}

/// The answer to [`EnrolRequest`], and to `POST /v1/devices/self/token`. The token is in no other answer and cannot be asked for again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The device's id: the UUID of its `source`.
    pub device: String,
    /// The bearer token.
    pub token: String,
    /// When the token stops to count.
    pub expires_at: String,
}

/// `GET /v1/devices/self`: how far the hub has got with a device's events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The device's id.
    pub device: String,
    /// The highest sequence that was settled; 0 before the first event.
    pub high_water: u64,
    /// Sequences below it that never arrived, as first and last; 1,000 at most.
    pub gaps: Vec<(u64, u64)>,
    /// How many sequences are missing below the high-water mark.
    pub missing: u64,
    /// How many events were accepted.
    pub accepted: u64,
    /// How many were settled by refusing them for good.
    pub refused: u64,
    /// Accepted ÷ `high_water`; none before the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_share: Option<f64>,
    /// How far the device's clock was ahead of the hub's when it last sent, in seconds and to the minute; below 0 it was behind.
    /// Nothing if it never said what its clock shows ([`SENT_AT`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_seconds: Option<i64>,
    /// When the token stops to count.
    pub expires_at: String,
}

/// The answer to `POST /v1/events`: what became of each event, in the order they were sent, durable by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchAnswer {
    /// One for each event of the batch.
    pub verdicts: Vec<EventVerdict>,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventVerdict {
    /// The event's `id`, if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What became of an event. Each is final: sending it again changes nothing ([`Refusal::TooManyGaps`] excepted).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It is in the log and counted.
    Accepted,
    /// One of this sequence was settled before.
    Duplicate,
    /// It is not in the log.
    Refused {
        /// Why, for programs.
        reason: Refusal,
        /// Why, for people.
        message: String,
    },
}

/// Why an event is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It is no CloudEvent as the outbox makes them.
    Malformed,
    /// Its `source` is another device.
    ForeignSource,
    /// Its type is not registered.
    UnregisteredType,
    /// It carries a property that is not registered.
    UnregisteredProperty,
    /// It carries a property that may never leave a machine.
    Sensitive,
    /// It happened longer ago than the hub keeps events.
    TooOld,
    /// It says to have happened later than now.
    InTheFuture,
    /// Too many events before it are missing. The one reason that is not final: send those first, then it again.
    TooManyGaps,
}

/// `{ "error": … }`: every answer of the hub that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemEnvelope {
    /// What is wrong.
    pub error: Problem,
}

/// What went wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of problem; stable, closed.
    pub code: ProblemCode,
    /// What happened, in a sentence.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// Every kind of problem a hub answers with; each has one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The body or the address is not what is asked for (400).
    Malformed,
    /// No token, or one that does not count (401).
    Unauthorized,
    /// Known, but not allowed (403).
    Forbidden,
    /// Nothing is there (404).
    NotFound,
    /// It is there, but not for this method (405).
    MethodNotAllowed,
    /// The body took too long to arrive (408).
    TooSlow,
    /// The device is enrolled by somebody else (409).
    AlreadyEnrolled,
    /// It was answered, granted or withdrawn before (409).
    AlreadySettled,
    /// The body is larger than it may be, or has more events (413).
    TooLarge,
    /// The body is of another type or encoding than can be read (415).
    UnsupportedMedia,
    /// Too often (429); `Retry-After` says when.
    TooMany,
    /// The hub failed; its log says why (500).
    Internal,
    /// The hub has more to do than it can take, or is going down (503); `Retry-After` says when.
    Busy,
    /// This sign-in leads nowhere: it is another browser's, too old, or over (400).
    SigninFailed,
    /// The organisation's identity provider cannot be asked, or is not believed (502).
    ProviderFailed,
}
