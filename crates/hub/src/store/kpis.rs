//! What KPIs are computed from: people, journeys, steps and days, never single events.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::StoreError;
use crate::insights::story::Journey;

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
    /// When the latest event happened.
    pub latest: Option<Timestamp>,
    /// What is known of the machines.
    pub machines: Machines,
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

/// A database that KPIs can be computed from.
#[async_trait]
pub trait Kpis {
    /// What changes whenever something that [`Self::known`] says may have; nothing if this database cannot tell.
    async fn stamp(&self) -> Result<Option<i64>, StoreError>;

    /// What is known, from what was counted as events came.
    async fn known(&self) -> Result<Known, StoreError>;

    /// The same from nothing but the log: slow, and equal to [`Self::known`].
    async fn known_from_log(&self) -> Result<Known, StoreError>;
}
