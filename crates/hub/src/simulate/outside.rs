//! What other programs tell of the company: changes that are merged, services that are used, also by people who have no machine
//! of ours; some things twice.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    chance::Chance,
    company::{DAY, HOUR, MINUTE, instant, uuid},
};

/// Services, and how many of a thousand people use each of them.
const SERVICES: [(&str, i64); 5] =
    [("portal", 900), ("code-search", 600), ("ci", 750), ("notebooks", 250), ("mainframe", 20)];
/// For each hundred people so many use services without a machine of ours.
const VISITORS: i64 = 20;

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// Somebody of the company, by number.
    Person(usize),
    /// Somebody else.
    Visitor(usize),
}

impl Who {
    /// As their codes and most programs call them.
    pub(super) fn name(self) -> String {
        match self {
            Self::Person(number) => format!("simulated {number}"),
            Self::Visitor(number) => format!("visitor {number}"),
        }
    }
}

/// What the forge calls somebody.
pub(super) fn login(person: usize) -> String {
    format!("sim-{person}")
}

/// A change that was merged.
#[derive(Debug, Clone)]
pub(super) struct Merge {
    pub(super) person: usize,
    pub(super) at: i64,
    /// Told by the forge itself, or by a pipeline.
    pub(super) by_forge: bool,
    number: usize,
}

/// A use of a service.
#[derive(Debug, Clone)]
pub(super) struct Use {
    pub(super) who: Who,
    pub(super) service: &'static str,
    pub(super) at: i64,
    pub(super) ok: bool,
    id: Uuid,
}

/// Everything other programs tell.
#[derive(Debug, Default)]
pub(super) struct Outside {
    pub(super) merges: Vec<Merge>,
    pub(super) uses: Vec<Use>,
}

impl Outside {
    /// What somebody does who began at `began`.
    pub(super) fn live(&mut self, person: usize, began: i64, end: i64, chance: &mut Chance) {
        // Some were there before; most merge their first change in some days.
        let before = if chance.in_a_thousand(100) { chance.between(5, 40) * DAY } else { 0 };
        let mut at = began - before + chance.between(2 * HOUR, 12 * DAY);
        while at < end && chance.in_a_thousand(850) {
            let (number, by_forge) = (self.merges.len() + 1, chance.in_a_thousand(300));
            self.merges.push(Merge { person, at, by_forge, number });
            at += chance.between(HOUR, 15 * DAY);
        }
        self.use_services(Who::Person(person), began, end, chance);
    }

    /// What people do who have no machine of ours.
    pub(super) fn visit(&mut self, people: usize, opened: i64, end: i64, chance: &mut Chance) {
        let visitors = i64::try_from(people).unwrap_or(0) * VISITORS / 100;
        for visitor in 0..usize::try_from(visitors).unwrap_or(0) {
            self.use_services(Who::Visitor(visitor), opened, end, chance);
        }
    }

    fn use_services(&mut self, who: Who, from: i64, end: i64, chance: &mut Chance) {
        for (service, share) in SERVICES {
            if !chance.in_a_thousand(share) {
                continue;
            }
            let mut at = from + chance.below(9 * DAY);
            while at < end {
                for _ in 0..chance.between(1, 4) {
                    let (id, ok) = (uuid(chance), !chance.in_a_thousand(70));
                    self.uses.push(Use { who, service, at: at + chance.below(40 * MINUTE), ok, id });
                }
                at += chance.between(2, 20) * DAY;
            }
        }
    }
}

impl Merge {
    /// As GitHub tells it.
    pub(super) fn to_github(&self) -> Value {
        json!({
            "action": "closed", "repository": { "full_name": "acme/orders" },
            "pull_request": {
                "number": self.number, "merged": true, "merged_at": instant(self.at),
                "user": { "login": login(self.person) },
            },
        })
    }

    /// As a pipeline tells it.
    pub(super) fn to_cdevent(&self) -> Value {
        json!({
            "context": {
                "version": "0.4.1", "id": self.number.to_string(), "source": "/forge",
                "type": "dev.cdevents.change.merged.0.2.0", "timestamp": instant(self.at),
            },
            "subject": { "id": format!("orders!{}", self.number), "type": "change", "content": {} },
            "customData": { "actor": Who::Person(self.person).name() },
        })
    }
}

impl Use {
    /// As `PostHog`'s libraries tell it.
    pub(super) fn to_posthog(&self) -> Value {
        json!({
            "event": "used", "distinct_id": self.who.name(), "timestamp": instant(self.at), "uuid": self.id,
            "properties": { "service": self.service, "success": self.ok },
        })
    }
}
