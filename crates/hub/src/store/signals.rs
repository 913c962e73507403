//! What other programs said, each thing once; who may say it; and who is who.

use std::{collections::BTreeMap, ops::RangeInclusive};

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::{PersonKey, StoreError};
use crate::{
    audit::By,
    insights::{Period, story::Journey},
    secrets::Hash,
    signals::{Signal, SignalKind},
};

/// A program that may say what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// What it is called: the source of what it says, and the service it is about unless it says otherwise.
    pub name: String,
    /// When it was let in.
    pub made_at: Timestamp,
    /// When it was shut out, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// How somebody used a service in one month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses {
    /// On which days, a bit each: the first of the month is bit 0.
    pub days: u32,
    /// How often.
    pub all: u32,
    /// How often it did not work.
    pub failed: u32,
}

/// How a service was used in one month, by whom. A use that names nobody is in none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceMonth {
    /// By each person.
    pub people: BTreeMap<u32, Uses>,
}

impl ServiceMonth {
    /// One more use, on that day of the month.
    pub(super) fn count(&mut self, person: PersonKey, day: i8, ok: bool) {
        let uses = self.people.entry(person.0).or_default();
        uses.days |= 1 << (day - 1);
        uses.all = uses.all.saturating_add(1);
        uses.failed = uses.failed.saturating_add(u32::from(!ok));
    }

    /// What else was counted of the same month.
    pub(super) fn add(&mut self, more: &Self) {
        for (person, more) in &more.people {
            let uses = self.people.entry(*person).or_default();
            uses.days |= more.days;
            uses.all = uses.all.saturating_add(more.all);
            uses.failed = uses.failed.saturating_add(more.failed);
        }
    }

    /// Who used it on each of its days on which somebody did.
    pub fn days(&self, month: Period) -> impl Iterator<Item = (Date, RoaringBitmap)> + '_ {
        let mut each = vec![RoaringBitmap::new(); 32];
        for (person, uses) in &self.people {
            let mut days = uses.days;
            while let Some(day) = days.checked_ilog2() {
                // People come in order, and so are new each time.
                let _ = each[day as usize].try_push(*person);
                days ^= 1 << day;
            }
        }
        month.days().zip(each).filter(|(_, people)| !people.is_empty())
    }

    /// The last day on which somebody used it.
    pub fn last_day(&self, month: Period) -> Option<Date> {
        let days = self.people.values().fold(0, |all, uses| all | uses.days);
        let last = usize::try_from(days.checked_ilog2()?).ok()?;
        month.days().nth(last)
    }

    /// Sixteen bytes a person, big-endian, in the order of people.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.people.len() * 16);
        for (person, Uses { days, all, failed }) in &self.people {
            for number in [person, days, all, failed] {
                bytes.extend(number.to_be_bytes());
            }
        }
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) gave.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let number = |four: &[u8]| Some(u32::from_be_bytes(four.try_into().ok()?));
        let one = |bytes: &[u8]| {
            let (person, rest) = bytes.split_at_checked(4)?;
            let (days, rest) = rest.split_at_checked(4)?;
            let (all, failed) = rest.split_at_checked(4)?;
            let uses = Uses { days: number(days)?, all: number(all)?, failed: number(failed)? };
            Some((number(person)?, uses))
        };
        let people = bytes.chunks(16).map(one).collect::<Option<_>>();
        let damaged = || StoreError::Damaged("the use of a service is not what was written".to_owned());
        Ok(Self { people: people.ok_or_else(damaged)? })
    }
}

/// The use of each service, by month.
pub type Services = BTreeMap<(String, Period), ServiceMonth>;

/// Everything that is counted of signals.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SignalCounts {
    /// The use of each service, by month.
    pub services: Services,
    /// When the first change of each person was merged.
    pub first_changes: BTreeMap<PersonKey, Timestamp>,
}

/// A signal as a database keeps it.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) kind: String,
    pub(super) subject: String,
    pub(super) day: Date,
    pub(super) ok: bool,
    pub(super) person: Option<PersonKey>,
    pub(super) at: Timestamp,
}

impl SignalCounts {
    /// Counts one more, in whatever order.
    pub(super) fn hear(&mut self, said: Said) -> Result<(), StoreError> {
        let kind = SignalKind::named(&said.kind)
            .ok_or_else(|| StoreError::Damaged(format!("there is no signal `{}`", said.kind)))?;
        let Some(person) = said.person else { return Ok(()) };
        match kind {
            SignalKind::ServiceUsed => {
                let month = Period::month_of(said.day);
                let counted = self.services.entry((said.subject, month)).or_default();
                counted.count(person, said.day.day(), said.ok);
            }
            SignalKind::ChangeMerged => {
                let first = self.first_changes.entry(person).or_insert(said.at);
                *first = said.at.min(*first);
            }
            SignalKind::Deployed | SignalKind::TicketOpened | SignalKind::TicketClosed => {}
        }
        Ok(())
    }
}

/// Changes merged, told again for each journey: the first that counts for it.
pub(super) fn merged_for(
    journeys: &BTreeMap<(u32, Uuid), Journey>,
    changes: impl IntoIterator<Item = (u32, i64)>,
) -> BTreeMap<(u32, Uuid), i64> {
    let mut merged: BTreeMap<(u32, Uuid), i64> = BTreeMap::new();
    for (person, at) in changes {
        for (key, journey) in journeys.range((person, Uuid::nil())..=(person, Uuid::max())) {
            if journey.counts_from().is_some_and(|from| from <= at) {
                let first = merged.entry(*key).or_insert(at);
                *first = at.min(*first);
            }
        }
    }
    merged
}

/// The part of a database that has to do with signals.
///
/// Somebody who was named is found by whatever names them: the name itself, or another one that [`Self::add_alias`] says
/// is the same person. It does not matter whether that is said before or after what they did.
#[async_trait]
pub trait Signals {
    /// Lets a program in; false if there is one of that name. An act.
    async fn add_integration(&self, by: &By, name: &str, token: Hash) -> Result<bool, StoreError>;

    /// Shuts it out; false if there is none of that name. An act.
    async fn revoke_integration(&self, by: &By, name: &str) -> Result<bool, StoreError>;

    /// Every program, by name.
    async fn integrations(&self) -> Result<Vec<Integration>, StoreError>;

    /// The name of the one whose token this is, if it counts.
    async fn integration(&self, token: Hash) -> Result<Option<String>, StoreError>;

    /// Says that `alias` is somebody who was named; also of what was said before. False if the alias is another's already. An act.
    async fn add_alias(&self, by: &By, person: &str, alias: &str) -> Result<bool, StoreError>;

    /// Keeps what `source` said, each id once, and counts it. Durable when it returns. For each, whether it is new.
    async fn take_signals(
        &self,
        source: &str,
        signals: Vec<(Signal, Date)>,
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError>;

    /// The counts.
    async fn signal_counts(&self) -> Result<SignalCounts, StoreError>;

    /// The use of services in the months from one to another.
    async fn services(&self, months: RangeInclusive<Period>) -> Result<Services, StoreError>;

    /// The same from nothing but what was said.
    async fn recount_signals(&self) -> Result<SignalCounts, StoreError>;
}
