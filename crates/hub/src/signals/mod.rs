//! What other programs of the company say: a change was merged, something was deployed, a service was used. Pure: bytes in,
//! signals out; who may say it is asked before, in `http`.
//!
//! One more shape: a file here that makes [`Signal`]s of it, its route in `http/signals.rs`, its fixture in the tests.

pub mod cdevents;
pub mod github;
pub mod gitlab;
pub mod posthog;
pub mod signature;

use firstlight_contract::hub::Refusal;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::ingest::Refused;

/// How many signals one request may have.
pub const MOST_SIGNALS: usize = 1_000;
/// How long a name or an id may be.
const LONGEST: usize = 256;
/// As for events of machines.
const OLDEST: SignedDuration = SignedDuration::from_hours(400 * 24);
const NEWEST: SignedDuration = SignedDuration::from_hours(48);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignalKind {
    /// A change was merged.
    ChangeMerged,
    /// Something was deployed.
    Deployed,
    /// A ticket was opened.
    TicketOpened,
    /// A ticket was closed.
    TicketClosed,
    /// A service was used.
    ServiceUsed,
}

impl SignalKind {
    /// Every kind, in the order of the variants.
    pub const ALL: [Self; 5] =
        [Self::ChangeMerged, Self::Deployed, Self::TicketOpened, Self::TicketClosed, Self::ServiceUsed];

    /// Its name, as databases keep it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChangeMerged => "change.merged",
            Self::Deployed => "service.deployed",
            Self::TicketOpened => "ticket.opened",
            Self::TicketClosed => "ticket.closed",
            Self::ServiceUsed => "service.used",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One thing that another program says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Its id, which its source gives to nothing else.
    pub id: String,
    /// What happened.
    pub kind: SignalKind,
    /// To what: a repository, a service, a queue of tickets.
    pub subject: String,
    /// Who did it, by the name that source knows them by. Kept as a pseudonym only.
    pub who: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Whether it worked.
    pub ok: bool,
}

/// What was read of one item, and its id if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSignal {
    /// The id.
    pub id: Option<String>,
    /// The signal, or why it is none.
    pub signal: Result<Signal, Refused>,
}

impl Signal {
    /// The signal, if it is within bounds at `now`.
    fn within(self, now: Timestamp) -> Result<Self, Refused> {
        let texts = [Some(&self.id), Some(&self.subject), self.who.as_ref()];
        // No text has a NUL in it; PostgreSQL keeps none that does, and the rest of its batch would be lost with it.
        let out_of_bounds = |text: &String| text.is_empty() || text.len() > LONGEST || text.contains('\0');
        if texts.into_iter().flatten().any(out_of_bounds) {
            let message =
                "its id, its subject or its person is empty, longer than 256 bytes, or has a NUL in it";
            return Err(malformed(message));
        }
        let ago = now.duration_since(self.at);
        let refused = |reason, message: &str| Err(Refused { reason, message: message.to_owned() });
        if ago > OLDEST {
            return refused(Refusal::TooOld, "it happened more than 400 days ago");
        }
        if ago < -NEWEST {
            return refused(Refusal::InTheFuture, "it says to happen more than 48 hours from now");
        }
        Ok(self)
    }
}

fn malformed(message: &str) -> Refused {
    Refused { reason: Refusal::Malformed, message: message.to_owned() }
}

/// A kind of event that is not counted.
fn not_counted(what: &str) -> Refused {
    let what: String = what.chars().take(64).collect();
    Refused { reason: Refusal::UnregisteredType, message: format!("`{what}` is not counted here") }
}

/// The text at a path of fields.
fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(value, |value, name| value.get(name))?.as_str().filter(|text| !text.is_empty())
}

/// An instant as RFC 3339, or as GitLab writes it (`2026-11-26 09:00:00 UTC`, `2026-11-26 09:00:00 +0100`).
fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let text = text.strip_suffix(" UTC").map_or_else(|| text.to_owned(), |text| format!("{text} +0000"));
        Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_each_source_writes_them() {
        let nine: Timestamp = "2026-11-26T09:00:00Z".parse().unwrap();
        for text in [
            "2026-11-26T09:00:00Z",
            "2026-11-26T10:00:00+01:00",
            "2026-11-26T09:00:00.000Z",
            "2026-11-26 09:00:00 UTC",
            "2026-11-26 10:00:00 +0100",
        ] {
            assert_eq!(instant(text), Some(nine), "{text}");
        }
        assert_eq!(instant("yesterday"), None);
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        let now: Timestamp = "2026-11-26T09:00:00Z".parse().unwrap();
        let signal = |id: &str, at| Signal {
            id: id.to_owned(),
            kind: SignalKind::ServiceUsed,
            subject: "search".to_owned(),
            who: None,
            at,
            ok: true,
        };
        assert!(signal("a", now).within(now).is_ok());
        let reason = |signal: Signal| signal.within(now).unwrap_err().reason;
        assert_eq!(reason(signal("", now)), Refusal::Malformed);
        assert_eq!(reason(signal(&"x".repeat(257), now)), Refusal::Malformed);
        assert_eq!(reason(signal("a\0", now)), Refusal::Malformed);
        assert_eq!(reason(signal("a", now - SignedDuration::from_hours(401 * 24))), Refusal::TooOld);
        assert_eq!(reason(signal("a", now + SignedDuration::from_hours(49))), Refusal::InTheFuture);
        assert_eq!(SignalKind::named("service.used"), Some(SignalKind::ServiceUsed));
        assert_eq!(SignalKind::ALL.len(), SignalKind::ServiceUsed as usize + 1);
    }
}
