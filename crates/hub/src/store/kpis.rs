//! What KPIs are computed from: people, journeys, steps and days, never single events.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::id::TeamId;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::{StoreError, signals::Services};
use crate::insights::{Period, Precedence, story::Journey};

/// Everything that is known, of one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Each journey, by whose it is and its id.
    pub journeys: BTreeMap<(u32, Uuid), Journey>,
    /// Who was active on which day.
    pub people: BTreeMap<Date, RoaringBitmap>,
    /// How many were active on days of which more is not kept.
    pub past_people: BTreeMap<Date, u64>,
    /// Everybody who was given a code, but for those whose first journey is too old to be kept.
    pub everybody: RoaringBitmap,
    /// The team of each person, if it was said.
    pub teams: BTreeMap<u32, TeamId>,
    /// When the first change was merged that counts for a journey ([`Journey::counts_from`]), in milliseconds.
    pub merged: BTreeMap<(u32, Uuid), i64>,
    /// Who used a service, by day: from the month before the latest event's on.
    pub using: BTreeMap<Date, RoaringBitmap>,
    /// When the latest event happened.
    pub latest: Option<Timestamp>,
    /// What is known of the machines.
    pub machines: Machines,
    /// Which groups were of enough people first, as it was kept.
    pub precedence: Precedence,
}

/// How much the hub has of what machines have to tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machines {
    /// How many were let in.
    pub devices: u64,
    /// How many of them have sent something.
    pub heard: u64,
    /// The highest numbers of their events, together.
    pub produced: u64,
    /// Events that are or were in the log.
    pub accepted: u64,
    /// Events refused for good.
    pub refused: u64,
}

impl Known {
    /// From which month on services tell who uses the platform now: the one before that of the latest event, whatever the zone.
    pub(super) fn using_from(&self) -> Option<Period> {
        let latest = TimeZone::UTC.to_datetime(self.latest?).date();
        Some(Period::month_of(latest.saturating_sub(1.month())))
    }

    /// Takes in what services say of their users.
    pub(super) fn use_of(&mut self, services: &Services) {
        for ((_, month), used) in services {
            for (day, people) in used.days(*month) {
                *self.using.entry(day).or_default() |= people;
            }
        }
    }
}

/// A database that KPIs can be computed from.
#[async_trait]
pub trait Kpis {
    /// What changes whenever something that [`Self::known`] says may have; nothing if this database cannot tell.
    async fn stamp(&self) -> Result<Option<i64>, StoreError>;

    /// What is known, from what was counted as events came.
    async fn known(&self) -> Result<Known, StoreError>;

    /// The same from nothing but the log: slow, and equal to [`Self::known`].
    async fn known_from_log(&self) -> Result<Known, StoreError>;

    /// Keeps which groups were of enough people first. Says whether it did: not if another hub has kept another one since this
    /// one was read.
    async fn keep_precedence(&self, precedence: &Precedence) -> Result<bool, StoreError>;
}
