//! How values are written in columns, in every database alike.

use std::sync::Arc;

use firstlight_domain::{id::TeamId, registry::EventType};
use jiff::{Timestamp, civil::Date};
use roaring::RoaringBitmap;

use super::StoreError;
use crate::insights::{Period, Precedence};

/// The numbers types of events have in one database; it keeps them whatever becomes of the enum.
#[derive(Debug, Clone)]
pub(super) struct Kinds {
    /// In the order of [`EventType::ALL`].
    keys: Arc<[i64]>,
}

impl Kinds {
    /// From the number of each of [`EventType::ALL`], in that order.
    pub(super) fn new(keys: Vec<i64>) -> Self {
        Self { keys: keys.into() }
    }

    pub(super) fn key(&self, kind: EventType) -> i64 {
        self.keys[kind as usize]
    }

    pub(super) fn kind(&self, key: i64) -> Result<EventType, StoreError> {
        self.known(key).ok_or_else(|| StoreError::Damaged(format!("there is no type of event number {key}")))
    }

    /// None for a type this program does not know, because a newer one wrote it.
    pub(super) fn known(&self, key: i64) -> Option<EventType> {
        let index = self.keys.iter().position(|known| *known == key)?;
        EventType::ALL.get(index).copied()
    }
}

pub(super) fn instant(milliseconds: i64) -> Result<Timestamp, StoreError> {
    let error = |_| StoreError::Damaged(format!("{milliseconds} is no instant"));
    Timestamp::from_millisecond(milliseconds).map_err(error)
}

/// 2026-11-26 as 20261126: sorts as dates do, and a person who looks into the database can read it.
pub(super) fn day_number(day: Date) -> i32 {
    i32::from(day.year()) * 10_000 + i32::from(day.month()) * 100 + i32::from(day.day())
}

pub(super) fn day_of(number: i32) -> Result<Date, StoreError> {
    let part = |part: i32| i8::try_from(part).ok();
    let date = || {
        let year = i16::try_from(number / 10_000).ok()?;
        Date::new(year, part(number / 100 % 100)?, part(number % 100)?).ok()
    };
    date().ok_or_else(|| StoreError::Damaged(format!("{number} is no day")))
}

/// 2026-11 as 202611: what the day's number has before its last two places.
pub(super) fn month_number(month: Period) -> i32 {
    month.days().next().map_or(0, day_number) / 100
}

pub(super) fn month_of(number: i32) -> Result<Period, StoreError> {
    day_of(number * 100 + 1).map(Period::month_of)
}

pub(super) fn team(text: &str) -> Result<TeamId, StoreError> {
    TeamId::new(text).map_err(|cause| StoreError::Damaged(format!("the team of a person is none: {cause}")))
}

pub(super) fn people_from(bytes: &[u8]) -> Result<RoaringBitmap, StoreError> {
    RoaringBitmap::deserialize_from(bytes)
        .map_err(|cause| StoreError::Damaged(format!("the people of a day cannot be read: {cause}")))
}

pub(super) fn people_to(people: &RoaringBitmap) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(people.serialized_size());
    people
        .serialize_into(&mut bytes)
        .map_err(|cause| StoreError::Damaged(format!("the people of a day cannot be written: {cause}")))?;
    Ok(bytes)
}

pub(super) fn precedence_from(written: i64, told: &str) -> Result<Precedence, StoreError> {
    let unreadable = || StoreError::Damaged("which groups were first cannot be read".to_owned());
    Precedence::from_json(written, told).ok_or_else(unreadable)
}

pub(super) fn precedence_told(precedence: &Precedence) -> Result<String, StoreError> {
    precedence
        .to_json()
        .map_err(|cause| StoreError::Damaged(format!("which groups were first cannot be written: {cause}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_was_written() {
        for day in
            [jiff::civil::date(2026, 11, 26), jiff::civil::date(1, 1, 1), jiff::civil::date(9999, 12, 31)]
        {
            assert_eq!(day_of(day_number(day)).unwrap(), day);
        }
        assert!(day_of(20_261_340).is_err());
    }
}
