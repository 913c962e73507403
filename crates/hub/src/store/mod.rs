//! Where events and counts are kept: one trait, so that one story tests every database.
//!
//! What every store promises: [`Store::append`] is one transaction, on the disk when it returns, and settles each sequence
//! of a device once, whoever else writes at the same time; the counts are part of it. Distinct people are sets, never
//! estimates.

pub mod audit;
pub mod clocks;
mod columns;
pub mod kpis;
pub mod people;
pub mod postgres;
mod recount;
pub mod requests;
pub mod retention;
pub mod roles;
pub mod sessions;
mod settling;
pub mod signals;
pub mod sqlite;
mod stories;
pub mod surveys;
pub mod teams;
pub mod webhooks;

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_contract::hub::Verdict;
use firstlight_domain::registry::EventType;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    audit::By,
    ingest::{Marks, Read, clock::Course},
    secrets::Hash,
};

/// A database that failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database says so.
    #[error("the database failed: {0}")]
    Database(Box<dyn std::error::Error + Send + Sync>),
    /// Its tables could not be brought to what this program knows.
    #[error("the database could not be brought up to date: {0}")]
    Migration(Box<dyn std::error::Error + Send + Sync>),
    /// Something in it is not what was written.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Its file could not be reached.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Its server cannot be reached, or does not let the hub in.
    #[error(
        "PostgreSQL at {at} cannot be used: {cause}; see that it runs, that this machine reaches it, and that the \
         user may connect"
    )]
    Unreachable {
        /// Host, port and database.
        at: String,
        /// Why.
        cause: String,
    },
    /// A newer hub has taken away what this one needs.
    #[error(
        "the database belongs to newer hubs: it needs one that knows format {needs}, and this one knows up to {known}; \
         bring this hub up to date"
    )]
    Newer {
        /// The format a hub has to know.
        needs: i32,
        /// The newest this one knows.
        known: i32,
    },
    /// Another hub serves from it.
    #[error("{path}: another hub uses this database")]
    InUse {
        /// Which.
        path: std::path::PathBuf,
    },
    /// What was erased is in no table any more, but still in the file.
    #[error(
        "what was erased is gone from the tables, but the file could not be written anew, because something else reads it; \
         run `firstlight-hub forget` when that is over"
    )]
    Unswept,
    /// No random numbers.
    #[error(transparent)]
    NoRandomness(#[from] crate::secrets::NoRandomness),
    /// The audit log could not be signed.
    #[error("the audit log could not be signed: {0}")]
    NotSigned(#[from] firstlight_tlog::SignError),
    /// The program is going down.
    #[error("the hub is going down")]
    GoingDown,
}

/// The number a device has inside of one hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(pub i64);

/// The number a person has inside of one hub: all it knows of them. Small and without holes, so that sets of people are
/// small too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonKey(pub u32);

/// An enrolled device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its number here.
    pub key: DeviceKey,
    /// What it calls itself: the UUID of its `source`.
    pub id: Uuid,
    /// Whose it is.
    pub person: PersonKey,
    /// When it was let in.
    pub enrolled_at: Timestamp,
    /// When its token stops to count.
    pub expires_at: Timestamp,
    /// When it was shut out, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl Device {
    /// What it has to call itself in the `source` of its events.
    pub fn source(&self) -> String {
        format!("urn:uuid:{}", self.id)
    }

    /// Whether its token counts at `now`.
    pub fn counts(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// A device that wants to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The hash of the code it showed.
    pub code: Hash,
    /// What it calls itself.
    pub device: Uuid,
    /// The hash of the token it will get.
    pub token: Hash,
    /// When that stops to count.
    pub expires_at: Timestamp,
    /// When it asks.
    pub now: Timestamp,
}

/// What became of an [`Enrolment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolling {
    /// It is in, and the code used up. A device of the same person that was there before has the new token only.
    Done,
    /// No such code, or used, or expired: which, nobody is told.
    NoSuchCode,
    /// The device belongs to another person; the code still counts.
    SomebodyElses,
}

/// What one device sent.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Which.
    pub device: DeviceKey,
    /// Whose it is.
    pub person: PersonKey,
    /// When its clock said it was when it sent them; nothing if it did not say.
    pub sent: Option<Timestamp>,
    /// When they arrived.
    pub received: Timestamp,
    /// The organisation's zone: what a day is.
    pub zone: TimeZone,
    /// Each event.
    pub events: Vec<Read>,
}

/// How far the hub has got with a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// What was settled.
    pub marks: Marks,
    /// How many of them by accepting.
    pub accepted: u64,
    /// How many of them by refusing.
    pub refused: u64,
    /// How its clock went.
    pub course: Course,
}

/// Everything that is counted: what a KPI is computed from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rollups {
    /// Events a day and type.
    pub events: BTreeMap<(Date, EventType), u64>,
    /// The people who were active that day ([`EventType::shows_activity`]).
    pub people: BTreeMap<Date, RoaringBitmap>,
    /// The same, by persona: that of the journey a person began last, on that day or before. Who had begun none is in
    /// none.
    pub personas: BTreeMap<(Date, String), RoaringBitmap>,
    /// Runs of each release: pack and version.
    pub runs: BTreeMap<(String, String), Runs>,
    /// How many people were active on days of which more is not kept, see [`retention`].
    pub past_people: BTreeMap<Date, u64>,
}

/// Runs of one release. A run counts once, whichever of its events come, and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runs {
    /// Began.
    pub started: u64,
    /// Of these: ended because a step failed.
    pub failed: u64,
}

/// A database of a hub.
#[async_trait]
pub trait Store:
    audit::Audit
    + clocks::Clocks
    + kpis::Kpis
    + people::People
    + retention::Retention
    + requests::Requests
    + roles::Roles
    + sessions::Sessions
    + signals::Signals
    + surveys::Surveys
    + teams::Teams
    + webhooks::Webhooks
    + std::fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// Settles what devices sent, in order, and counts it. Durable when it returns; an error means that nothing of it
    /// was. One verdict for each event.
    async fn append(&self, group: Vec<Submission>) -> Result<Vec<Vec<Verdict>>, StoreError>;

    /// Whether [`Self::append`] keeps its thread until it is done.
    fn blocks(&self) -> bool;

    /// Whether it can be written to right now.
    async fn check_writable(&self) -> Result<(), StoreError>;

    /// Keeps a code; for a person who is named, or for one who is new. An act.
    async fn add_code(
        &self,
        by: &By,
        code: Hash,
        person: Option<&str>,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Lets a device in, if its code counts; uses the code up in the same transaction.
    async fn enrol(&self, enrolment: Enrolment) -> Result<Enrolling, StoreError>;

    /// The device whose token this is, whether it still counts or not. One that replaces another does so now.
    async fn device(&self, token: Hash) -> Result<Option<Device>, StoreError>;

    /// Every device, in the order they came.
    async fn devices(&self) -> Result<Vec<Device>, StoreError>;

    /// Keeps a token that takes the place of a device's when it is used first ([`Self::device`]); until then both count, but of
    /// several that were never used only the last. False if the device is not there any more.
    async fn renew_token(
        &self,
        device: DeviceKey,
        token: Hash,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Shuts a device out from now on; false if there is none of that id. An act.
    async fn revoke(&self, by: &By, device: Uuid) -> Result<bool, StoreError>;

    /// How far it has got with a device.
    async fn progress(&self, device: DeviceKey) -> Result<Progress, StoreError>;

    /// The runs of one release.
    async fn runs(&self, pack: &str, version: &str) -> Result<Runs, StoreError>;

    /// The counts.
    async fn rollups(&self) -> Result<Rollups, StoreError>;

    /// The same from nothing but the log, and the sums of what it does not have any more: slow, and equal to [`Self::rollups`].
    async fn recount(&self) -> Result<Rollups, StoreError>;
}

/// A beginning of a journey, as [`by_persona`] needs it. Ordered by when; ties have an order too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Beginning {
    pub(crate) day: Date,
    pub(crate) time: Timestamp,
    pub(crate) journey: Uuid,
    pub(crate) persona: String,
    pub(crate) person: PersonKey,
}

/// Splits the people of each day by persona. It depends on what happened and not on what arrived first.
pub(crate) fn by_persona(
    people: &BTreeMap<Date, RoaringBitmap>,
    mut beginnings: Vec<Beginning>,
) -> BTreeMap<(Date, String), RoaringBitmap> {
    beginnings.sort();
    let mut beginnings = beginnings.into_iter().peekable();
    let mut current: BTreeMap<PersonKey, String> = BTreeMap::new();
    let mut of: BTreeMap<String, RoaringBitmap> = BTreeMap::new();
    let mut split = BTreeMap::new();
    for (day, active) in people {
        while let Some(began) = beginnings.next_if(|began| began.day <= *day) {
            if let Some(before) = current.insert(began.person, began.persona.clone())
                && let Some(people) = of.get_mut(&before)
            {
                people.remove(began.person.0);
            }
            of.entry(began.persona).or_default().insert(began.person.0);
        }
        for (persona, people) in &of {
            let both = active & people;
            if !both.is_empty() {
                split.insert((*day, persona.clone()), both);
            }
        }
    }
    split
}
