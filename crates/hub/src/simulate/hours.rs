//! When people work, and what is due then: reckoned with no code of the hub's.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::company::{HOUR, MINUTE};
use crate::requests::calendar::WorkingHours;

/// The working hours this knows to reckon with: those a hub has if none are set.
const USUAL_HOURS: &str = "Mon-Fri 09:00-17:00";
/// Where clocks are set by quarters of an hour, hours of work begin and end at one.
const QUARTER: i64 = 15 * MINUTE;
/// How long a working day is then.
pub(super) const WORKING_DAY: i64 = 8 * HOUR;

/// Whether these hours are known here.
pub(super) fn are_usual(hours: &WorkingHours) -> bool {
    hours.hours == USUAL_HOURS && hours.holidays.trim().is_empty()
}

fn local(at: i64, zone: &TimeZone) -> DateTime {
    zone.to_datetime(Timestamp::from_millisecond(at).unwrap_or_default())
}

/// Whether people work then, if they do so in the usual hours.
fn is_worked(at: i64, zone: &TimeZone) -> bool {
    let local = local(at, zone);
    local.weekday().to_monday_zero_offset() < 5 && (9..17).contains(&local.hour())
}

/// The next moment at which hours may begin or end.
fn next_quarter(at: i64) -> i64 {
    at - at.rem_euclid(QUARTER) + QUARTER
}

/// When so much has been worked since.
pub(super) fn worked(from: i64, time: i64, zone: &TimeZone) -> i64 {
    let (mut at, mut left) = (from, time);
    loop {
        let next = next_quarter(at);
        if is_worked(at, zone) {
            if left <= next - at {
                return at + left;
            }
            left -= next - at;
        }
        at = next;
    }
}

/// The same time so many working days later; outside of hours the first begins when people come to work.
pub(super) fn days_later(from: i64, days: i64, zone: &TimeZone) -> Option<i64> {
    let mut begins = from;
    while !is_worked(begins, zone) {
        begins = next_quarter(begins);
    }
    let begun = local(begins, zone);
    let (mut day, mut left) = (begun.date(), days);
    while left > 0 {
        day = day.tomorrow().ok()?;
        left -= i64::from(day.weekday().to_monday_zero_offset() < 5);
    }
    Some(zone.to_timestamp(day.to_datetime(begun.time())).ok()?.as_millisecond())
}

/// How much is worked from one moment to another.
pub(super) fn between(from: i64, to: i64, zone: &TimeZone) -> i64 {
    let (mut day, last) = (local(from, zone).date(), local(to, zone).date());
    let mut worked = 0;
    while day <= last {
        if day.weekday().to_monday_zero_offset() < 5 {
            let at = |hour| {
                let at = zone.to_timestamp(day.at(hour, 0, 0, 0)).unwrap_or_default();
                at.as_millisecond().clamp(from, to.max(from))
            };
            worked += at(17) - at(9);
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    worked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn what_is_due_when_is_reckoned_by_hand() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (from, hours, due) in [
            // A Friday at four, local time; three hours are left for Monday.
            ("2026-11-27T15:00:00Z", 4, "2026-11-30T11:00:00Z"),
            ("2026-11-27T15:00:00Z", 1, "2026-11-27T16:00:00Z"),
            ("2026-11-28T12:00:00.007Z", 8, "2026-11-30T16:00:00Z"),
            // Clocks are set back between.
            ("2026-10-23T14:00:00Z", 2, "2026-10-26T09:00:00Z"),
        ] {
            assert_eq!(worked(at(from), hours * HOUR, &berlin), at(due), "{from} {hours}");
        }
        for (from, to, hours) in [
            ("2026-11-27T15:00:00Z", "2026-11-30T11:00:00Z", 4),
            ("2026-11-28T12:00:00Z", "2026-11-29T12:00:00Z", 0),
            // Two weeks, in one of whose nights clocks are set back.
            ("2026-10-19T00:00:00Z", "2026-11-02T00:00:00Z", 80),
            ("2026-11-30T11:00:00Z", "2026-11-27T15:00:00Z", 0),
        ] {
            assert_eq!(between(at(from), at(to), &berlin), hours * HOUR, "{from} {to}");
        }
        for (from, days, due) in [
            ("2026-11-27T15:00:00.001Z", 1, "2026-11-30T15:00:00.001Z"),
            ("2026-11-27T16:00:00Z", 1, "2026-12-01T08:00:00Z"),
            ("2026-11-28T12:00:00Z", 5, "2026-12-07T08:00:00Z"),
            ("2026-10-23T14:00:00Z", 1, "2026-10-26T15:00:00Z"),
        ] {
            assert_eq!(days_later(at(from), days, &berlin), Some(at(due)), "{from} {days}");
        }
    }
}
