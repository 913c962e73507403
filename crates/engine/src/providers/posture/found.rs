//! What was found, held against what is asked for. Pure: the time comes in.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use crate::process::in_words;

/// What can be read of a thing, or why not.
pub(super) type Read<T> = Result<T, Unreadable>;

/// Why a thing cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) String);

/// For a reason in words.
pub(super) fn unreadable<T>(why: impl Into<String>) -> Read<T> {
    Err(Unreadable(why.into()))
}

/// Something that is on or off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Switch {
    On,
    /// Off, or not wholly on: a sentence without its full stop.
    Off(String),
}

/// When the screen locks by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lock {
    /// After this long without a touch.
    After(Duration),
    /// Never: why, in words.
    Never(String),
}

/// How old the system's updates are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Updates {
    /// When they were last looked for, with success.
    pub(super) looked: Option<Timestamp>,
    /// When some were last installed.
    pub(super) installed: Option<Timestamp>,
    /// How many wait to be installed, as far as was looked.
    pub(super) waiting: Option<u32>,
}

/// What came of one thing asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// It holds.
    Holds {
        /// The output.
        value: String,
    },
    /// It does not hold.
    Lacks {
        /// A sentence without its full stop.
        why: String,
    },
    /// It cannot be read.
    Unknown {
        /// Why.
        why: String,
    },
}

pub(super) fn switch(read: Read<Switch>) -> Found {
    match read {
        Ok(Switch::On) => Found::Holds { value: "on".to_owned() },
        Ok(Switch::Off(why)) => Found::Lacks { why },
        Err(Unreadable(why)) => Found::Unknown { why },
    }
}

pub(super) fn lock(limit: Duration, read: Read<Lock>) -> Found {
    match read {
        Ok(Lock::After(time)) if time <= limit => Found::Holds { value: format!("{}s", time.as_secs()) },
        Ok(Lock::After(time)) => Found::Lacks {
            why: format!("The screen locks after {}, and {} are asked for", in_words(time), in_words(limit)),
        },
        Ok(Lock::Never(why)) => Found::Lacks { why: format!("The screen does not lock by itself: {why}") },
        Err(Unreadable(why)) => Found::Unknown { why },
    }
}

pub(super) fn updates(limit: Duration, read: Read<Updates>, now: Timestamp) -> Found {
    let Updates { looked, installed, waiting } = match read {
        Ok(updates) => updates,
        Err(Unreadable(why)) => return Found::Unknown { why },
    };
    let recent = |at: Option<Timestamp>| at.is_some_and(|at| age(at, now) <= limit);
    let day = |at: Option<Timestamp>| {
        at.map_or_else(|| "at a time that is not noted".to_owned(), |at| format!("on {}", date(at)))
    };
    if recent(installed) || (recent(looked) && waiting == Some(0)) {
        let value = looked.max(installed).map(date).unwrap_or_default();
        return Found::Holds { value };
    }
    match (looked, installed, waiting) {
        (None, None, None) => {
            Found::Unknown { why: "this system notes nowhere when it was last updated".to_owned() }
        }
        (_, _, Some(count)) if count > 0 && recent(looked) => Found::Lacks {
            why: format!(
                "{count} {} to be installed; the last were installed {}",
                if count == 1 { "update of the system waits" } else { "updates of the system wait" },
                day(installed)
            ),
        },
        (_, _, None) if recent(looked) => Found::Unknown {
            why: "updates were looked for, but whether any wait to be installed cannot be read".to_owned(),
        },
        _ => Found::Lacks {
            why: format!(
                "Updates of the system were last looked for {}, and last installed {}",
                day(looked),
                day(installed)
            ),
        },
    }
}

/// Nothing for what lies ahead: clocks go wrong.
fn age(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

fn date(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(text: &str) -> Timestamp {
        format!("{text}T12:00:00Z").parse().unwrap()
    }

    fn judged(looked: Option<&str>, installed: Option<&str>, waiting: Option<u32>) -> Found {
        let updates = Updates { looked: looked.map(at), installed: installed.map(at), waiting };
        super::updates(30 * DAY, Ok(updates), at("2026-03-31"))
    }

    #[test]
    fn updates_are_recent_when_some_were_installed_or_none_was_left() {
        let holds = |value: &str| Found::Holds { value: value.to_owned() };
        assert_eq!(judged(Some("2026-03-30"), Some("2025-01-01"), Some(0)), holds("2026-03-30"));
        assert_eq!(judged(None, Some("2026-03-20"), None), holds("2026-03-20"));
        assert_eq!(judged(Some("2026-03-30"), Some("2026-03-02"), Some(7)), holds("2026-03-30"));
        // A clock that went back.
        assert_eq!(judged(None, Some("2027-01-01"), None), holds("2027-01-01"));
    }

    #[test]
    fn updates_that_wait_or_were_never_looked_for_are_said() {
        let lacks = |found: Found| match found {
            Found::Lacks { why } => why,
            other => panic!("{other:?}"),
        };
        let waiting = lacks(judged(Some("2026-03-30"), Some("2026-01-02"), Some(3)));
        assert_eq!(
            waiting,
            "3 updates of the system wait to be installed; the last were installed on 2026-01-02"
        );
        assert!(lacks(judged(Some("2026-03-30"), None, Some(1))).starts_with("1 update of the system waits"));
        let old = lacks(judged(Some("2026-02-01"), None, Some(0)));
        assert!(old.contains("last looked for on 2026-02-01"), "{old}");
    }

    #[test]
    fn what_is_not_noted_is_not_claimed() {
        assert!(matches!(judged(None, None, None), Found::Unknown { .. }));
        assert!(matches!(judged(Some("2026-03-30"), Some("2026-01-01"), None), Found::Unknown { .. }));
        assert_eq!(
            super::updates(DAY, unreadable("no apt"), at("2026-03-31")),
            Found::Unknown { why: "no apt".to_owned() }
        );
    }

    #[test]
    fn a_lock_counts_up_to_the_limit() {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        assert_eq!(
            lock(minutes(15), Ok(Lock::After(minutes(15)))),
            Found::Holds { value: "900s".to_owned() }
        );
        assert!(matches!(lock(minutes(15), Ok(Lock::After(minutes(16)))), Found::Lacks { .. }));
        assert!(matches!(lock(minutes(15), Ok(Lock::Never("it is off".into()))), Found::Lacks { .. }));
        assert!(matches!(lock(minutes(15), unreadable("no desktop")), Found::Unknown { .. }));
    }
}
