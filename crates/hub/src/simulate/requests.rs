//! What people ask owners of steps for, what those promise, and what comes of it: reckoned with no code of the hub's.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use firstlight_contract::requests::{PromiseView, RequestReply, RequestState};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use uuid::Uuid;

use super::{
    Ground,
    chance::Chance,
    company::{DAY, HOUR, MINUTE, What, uuid},
    machine::Machine,
};

/// So many requests there are at most: as many as a queue tells at once.
const MOST: usize = 500;
/// The working hours this knows to reckon with: those a hub has if none are set.
const USUAL_HOURS: &str = "Mon-Fri 09:00-17:00";
/// Where clocks are set by quarters of an hour, hours of work begin and end at one.
const QUARTER: i64 = 15 * MINUTE;
/// What is promised where promises are to be broken.
pub(super) const SOON: i64 = MINUTE;

/// What is asked of whom.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) owner: &'static str,
    pub(super) step: &'static str,
    pub(super) title: &'static str,
    /// As the pack writes it.
    pub(super) sla: Option<&'static str>,
    promised: Promised,
    /// Which people may ask, by number…
    people: Range<usize>,
    /// …and how many of a thousand of them do.
    share: i64,
}

/// Within how much time there is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promised {
    Nothing,
    /// Around the clock.
    Time(i64),
    /// Of the time people work in.
    Worked(i64),
    /// By the same time so many working days later.
    Days(i64),
}

const EVERYBODY: Range<usize> = 0..usize::MAX;

/// Nothing is promised within less than an hour: what is answered as soon as all have asked is in time. Four people ask `legal`
/// and four others `facilities`, so that neither is told of, and both together are.
static KINDS: [Kind; 9] = [
    Kind {
        owner: "it-helpdesk",
        step: "vpn",
        title: "Ask for VPN access",
        sla: Some("4 business hours"),
        promised: Promised::Worked(4 * HOUR),
        people: EVERYBODY,
        share: 700,
    },
    Kind {
        owner: "it-helpdesk",
        step: "laptop",
        title: "Ask for a second screen",
        sla: Some("1 business day"),
        promised: Promised::Days(1),
        people: EVERYBODY,
        share: 150,
    },
    ACCESS,
    Kind {
        owner: "data-governance",
        step: "dataset",
        title: "Ask for the orders",
        sla: Some("3 business days"),
        promised: Promised::Days(3),
        people: EVERYBODY,
        share: 250,
    },
    Kind {
        owner: "data-governance",
        step: "export",
        title: "Ask to export the orders",
        sla: Some("2 days"),
        promised: Promised::Time(2 * DAY),
        people: EVERYBODY,
        share: 200,
    },
    Kind {
        owner: "data-governance",
        step: "review",
        title: "Ask for a review",
        sla: Some("as soon as we can"),
        promised: Promised::Nothing,
        people: EVERYBODY,
        share: 100,
    },
    Kind {
        owner: "architects",
        step: "introduction",
        title: "Ask for an introduction",
        sla: None,
        promised: Promised::Nothing,
        people: EVERYBODY,
        share: 150,
    },
    Kind {
        owner: "legal",
        step: "contract",
        title: "Ask for the contract",
        sla: Some("1 working week"),
        promised: Promised::Days(5),
        people: 0..4,
        share: 1_000,
    },
    Kind {
        owner: "facilities",
        step: "badge",
        title: "Ask for a badge",
        sla: Some("20 working hours"),
        promised: Promised::Worked(20 * HOUR),
        people: 4..8,
        share: 1_000,
    },
];

/// What a program grants; where promises are to be broken it promises more than it keeps.
const ACCESS: Kind = Kind {
    owner: "access-bot",
    step: "group",
    title: "Ask to be in the group",
    sla: Some("1 hour"),
    promised: Promised::Time(HOUR),
    people: EVERYBODY,
    share: 600,
};
static HURRIED: Kind = Kind { sla: Some("1 minute"), promised: Promised::Time(SOON), ..ACCESS };

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The owner does it.
    Done,
    /// The owner does it, and a probe sees it.
    DoneAndSeen,
    /// The owner says no.
    Refused,
    /// A probe sees it, and nobody has said anything.
    Seen,
    /// It is not wanted any more.
    Withdrawn,
    /// Nothing.
    Left,
}

/// Something that somebody asks for.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) id: Uuid,
    pub(super) kind: &'static Kind,
    /// Since when they wait.
    pub(super) asked: i64,
    /// When their machine says that nobody has to answer any more.
    pub(super) closed: Option<i64>,
    /// In which journey.
    pub(super) journey: Uuid,
    person: usize,
    fate: Fate,
}

/// Requests of one owner for which something was promised.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) people: BTreeSet<usize>,
    pub(super) met: usize,
    pub(super) breached: usize,
    pub(super) open: usize,
}

/// Whoever is asked.
pub(super) fn owners() -> BTreeSet<&'static str> {
    KINDS.iter().map(|kind| kind.owner).collect()
}

/// Lets somebody ask for this and that, on one of their machines. Everything is over days before the end.
pub(super) fn ask(
    machine: &mut Machine,
    (person, journey): (usize, Uuid),
    (began, end): (i64, i64),
    late: bool,
    requests: &mut Vec<Request>,
    chance: &mut Chance,
) {
    for kind in &KINDS {
        let asks = chance.in_a_thousand(kind.share) && kind.people.contains(&person);
        let at = began + chance.between(HOUR, 12 * DAY);
        if !asks || at + 4 * DAY >= end || requests.len() >= MOST {
            continue;
        }
        let kind = if late && kind.owner == HURRIED.owner { &HURRIED } else { kind };
        let (id, named) = (uuid(chance), chance.in_a_thousand(500));
        let asked = machine.write(at, journey, What::Opened { request: id, kind, named }, chance);
        if chance.in_a_thousand(150) {
            // With another name, or without it now: nothing begins anew.
            let again = What::Opened { request: id, kind, named: !named };
            machine.write(at + chance.between(MINUTE, DAY), journey, again, chance);
        }
        let fate = match chance.below(10) {
            0..=2 => Fate::Done,
            3 | 4 => Fate::DoneAndSeen,
            5 => Fate::Refused,
            6 => Fate::Seen,
            7 => Fate::Withdrawn,
            _ => Fate::Left,
        };
        let ending = match fate {
            Fate::DoneAndSeen | Fate::Seen => Some("granted"),
            Fate::Withdrawn => Some("withdrawn"),
            Fate::Done | Fate::Refused | Fate::Left => None,
        };
        let closed = ending.map(|end| {
            let after = at + DAY + chance.between(MINUTE, 2 * DAY);
            machine.write(after, journey, What::Closed { request: id, end }, chance)
        });
        requests.push(Request { id, kind, asked, closed, journey, person, fate });
    }
}

impl Request {
    /// Whether so little was promised that it can be broken.
    fn is_hurried(&self) -> bool {
        self.kind.promised == Promised::Time(SOON)
    }

    /// What the owner answers before the machine says anything more.
    pub(super) fn reply(&self) -> Option<RequestReply> {
        match self.fate {
            Fate::Done | Fate::DoneAndSeen if !self.is_hurried() => Some(RequestReply::Done),
            Fate::Refused if !self.is_hurried() => Some(RequestReply::Refused),
            _ => None,
        }
    }

    /// What the owner answers after what was promised is over.
    pub(super) fn late_reply(&self) -> Option<RequestReply> {
        match self.fate {
            Fate::Done if self.is_hurried() => Some(RequestReply::Done),
            Fate::Refused if self.is_hurried() => Some(RequestReply::Refused),
            _ => None,
        }
    }

    /// What must have become of it, where owners answer.
    pub(super) fn state(&self) -> RequestState {
        match self.fate {
            _ if self.reply().or(self.late_reply()).is_some() => RequestState::Answered,
            Fate::DoneAndSeen | Fate::Seen => RequestState::Granted,
            Fate::Withdrawn => RequestState::Withdrawn,
            Fate::Done | Fate::Refused | Fate::Left => RequestState::Open,
        }
    }

    /// Whether what was promised was kept. Clocks are asked nothing: an hour is longer than all of it takes, and where a minute was
    /// promised, more than that has passed since the hub had the request.
    pub(super) fn stands(&self, answers: bool) -> PromiseView {
        match self.fate {
            _ if self.kind.promised == Promised::Nothing => PromiseView::None,
            Fate::Withdrawn => PromiseView::None,
            // It was there before the hub heard of it.
            Fate::DoneAndSeen | Fate::Seen => PromiseView::Met,
            _ if self.is_hurried() => PromiseView::Breached,
            Fate::Done | Fate::Refused if answers => PromiseView::Met,
            Fate::Done | Fate::Refused | Fate::Left => PromiseView::Open,
        }
    }

    /// Whether it can be told here when an answer is due: not by working hours that this does not know.
    pub(super) fn has_known_hours(&self, ground: &Ground<'_>) -> bool {
        let usual = ground.hours.hours == USUAL_HOURS && ground.hours.holidays.trim().is_empty();
        usual || matches!(self.kind.promised, Promised::Nothing | Promised::Time(_))
    }

    /// Until when the owner has to answer what reached the hub then.
    pub(super) fn due(&self, received: i64, zone: &TimeZone) -> Option<i64> {
        match self.kind.promised {
            Promised::Nothing => None,
            Promised::Time(time) => Some(received + time),
            Promised::Worked(time) => Some(worked(received, time, zone)),
            Promised::Days(days) => days_later(received, days, zone),
        }
    }
}

/// How owners keep what they promise.
pub(super) fn kept<'a>(
    requests: impl Iterator<Item = &'a Request>,
    answers: bool,
) -> BTreeMap<&'static str, Asked> {
    let mut owners: BTreeMap<&'static str, Asked> = BTreeMap::new();
    for request in requests {
        let stands = request.stands(answers);
        if stands == PromiseView::None {
            continue;
        }
        let asked = owners.entry(request.kind.owner).or_default();
        asked.people.insert(request.person);
        asked.met += usize::from(stands == PromiseView::Met);
        asked.breached += usize::from(stands == PromiseView::Breached);
        asked.open += usize::from(stands == PromiseView::Open);
    }
    owners
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
fn worked(from: i64, time: i64, zone: &TimeZone) -> i64 {
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
fn days_later(from: i64, days: i64, zone: &TimeZone) -> Option<i64> {
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
