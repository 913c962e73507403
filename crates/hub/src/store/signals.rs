//! What other programs said, each thing once; who may say it; and who is who.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};
use roaring::RoaringBitmap;

use super::{PersonKey, StoreError};
use crate::{
    audit::By,
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

/// How a service was used on one day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceDay {
    /// How often.
    pub uses: u64,
    /// How often it did not work.
    pub failed: u64,
    /// By whom.
    pub people: RoaringBitmap,
}

impl ServiceDay {
    /// One more use.
    pub(super) fn count(&mut self, ok: bool, person: Option<PersonKey>) {
        self.uses += 1;
        self.failed += u64::from(!ok);
        self.people.extend(person.map(|person| person.0));
    }

    /// What else was counted of the same day.
    pub(super) fn add(&mut self, more: Self) {
        self.uses += more.uses;
        self.failed += more.failed;
        self.people |= more.people;
    }
}

/// Everything that is counted of signals.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SignalCounts {
    /// The use of each service, by day.
    pub services: BTreeMap<(String, Date), ServiceDay>,
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
        match SignalKind::named(&said.kind) {
            Some(SignalKind::ServiceUsed) => {
                self.services.entry((said.subject, said.day)).or_default().count(said.ok, said.person);
            }
            Some(SignalKind::ChangeMerged) => {
                let Some(person) = said.person else { return Ok(()) };
                let first = self.first_changes.entry(person).or_insert(said.at);
                *first = said.at.min(*first);
            }
            Some(SignalKind::Deployed | SignalKind::TicketOpened | SignalKind::TicketClosed) => {}
            None => return Err(StoreError::Damaged(format!("there is no signal `{}`", said.kind))),
        }
        Ok(())
    }
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

    /// The same from nothing but what was said.
    async fn recount_signals(&self) -> Result<SignalCounts, StoreError>;
}
