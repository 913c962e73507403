//! What people ask owners of steps for, what those promise, and what comes of it: reckoned with no code of the hub's.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use firstlight_contract::requests::{PromiseView, RequestReply, RequestState};
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{
    Ground,
    chance::Chance,
    company::{DAY, HOUR, MINUTE, What, uuid},
    hours,
    machine::Machine,
};

/// So many requests there are at most: as many as a queue tells at once.
const MOST: usize = 500;
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
        hours::are_usual(ground.hours) || matches!(self.kind.promised, Promised::Nothing | Promised::Time(_))
    }

    /// Until when the owner has to answer what reached the hub then.
    pub(super) fn due(&self, received: i64, zone: &TimeZone) -> Option<i64> {
        match self.kind.promised {
            Promised::Nothing => None,
            Promised::Time(time) => Some(received + time),
            Promised::Worked(time) => Some(hours::worked(received, time, zone)),
            Promised::Days(days) => hours::days_later(received, days, zone),
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
