//! Reading the counts, and counting again from the log.

use std::collections::BTreeMap;

use firstlight_domain::registry::EventType;
use jiff::civil::Date;
use roaring::RoaringBitmap;
use rusqlite::{Connection, Row};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    super::{Beginning, PersonKey, Rollups, Runs, StoreError, by_persona},
    admission::instant,
    schema::Kinds,
};
use crate::ingest::event::{RunPart, run};

pub(super) fn rollups(conn: &mut Connection, kinds: &Kinds) -> Result<Rollups, StoreError> {
    // All of one moment.
    let conn = conn.transaction()?;
    let mut rollups = Rollups::default();
    let mut statement = conn.prepare_cached("SELECT day, kind, n FROM day_events")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        rollups.events.insert((day_of(row.get(0)?)?, kinds.kind(row.get(1)?)?), row.get(2)?);
    }
    let mut statement = conn.prepare_cached("SELECT day, people FROM day_people")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        rollups.people.insert(day_of(row.get(0)?)?, people_from(&row.get::<_, Vec<u8>>(1)?)?);
    }
    let mut statement = conn.prepare_cached("SELECT day, time, journey, persona, person FROM journey")?;
    let mut rows = statement.query([])?;
    let mut beginnings = Vec::new();
    while let Some(row) = rows.next()? {
        beginnings.push(Beginning {
            day: day_of(row.get(0)?)?,
            time: instant(row.get(1)?)?,
            journey: Uuid::from_bytes(row.get(2)?),
            persona: row.get(3)?,
            person: PersonKey(row.get(4)?),
        });
    }
    rollups.personas = by_persona(&rollups.people, beginnings);
    let mut statement = conn.prepare_cached(
        "SELECT pack, version, count(*), sum(failed) FROM run WHERE pack IS NOT NULL GROUP BY pack, version",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let runs = Runs { started: row.get(2)?, failed: row.get(3)? };
        rollups.runs.insert((row.get(0)?, row.get(1)?), runs);
    }
    Ok(rollups)
}

pub(super) fn runs(conn: &Connection, pack: &str, version: &str) -> Result<Runs, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT count(*), coalesce(sum(failed), 0) FROM run WHERE pack = ?1 AND version = ?2",
    )?;
    let counted = |row: &Row<'_>| Ok(Runs { started: row.get(0)?, failed: row.get(1)? });
    Ok(statement.query_row([pack, version], counted)?)
}

/// What the log has said of a run so far.
#[derive(Default)]
struct Known {
    release: Option<(String, String)>,
    failed: bool,
}

pub(super) fn recount(conn: &Connection, kinds: &Kinds) -> Result<Rollups, StoreError> {
    let mut rollups = Rollups::default();
    let mut beginnings = Vec::new();
    let mut statement = conn.prepare(
        "SELECT event.kind, event.day, event.time, event.data, device.person, event.device
         FROM event JOIN device ON device.key = event.device ORDER BY event.rowid",
    )?;
    let mut runs: BTreeMap<(i64, Uuid), Known> = BTreeMap::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let kind = kinds.kind(row.get(0)?)?;
        let (day, person) = (day_of(row.get(1)?)?, PersonKey(row.get(4)?));
        *rollups.events.entry((day, kind)).or_default() += 1;
        if kind.shows_activity() {
            rollups.people.entry(day).or_default().insert(person.0);
        }
        if kind == EventType::JourneyStarted {
            let data: String = row.get(3)?;
            let (journey, persona) = beginning(&data)
                .ok_or_else(|| StoreError::Damaged("a journey in the log has no id or persona".to_owned()))?;
            beginnings.push(Beginning { day, time: instant(row.get(2)?)?, journey, persona, person });
        }
        if matches!(kind, EventType::RunStarted | EventType::RunFinished) {
            let data: String = row.get(3)?;
            let told = serde_json::from_str(&data).ok().and_then(|data| run(kind, &data).ok().flatten());
            let told =
                told.ok_or_else(|| StoreError::Damaged("a run in the log says nothing of it".to_owned()))?;
            let known = runs.entry((row.get(5)?, told.id)).or_default();
            match told.part {
                RunPart::Began { pack, version } => {
                    known.release.get_or_insert((pack, version));
                }
                RunPart::Ended { failed } => known.failed |= failed,
            }
        }
    }
    for Known { release, failed } in runs.into_values() {
        let Some(release) = release else { continue };
        let counted = rollups.runs.entry(release).or_default();
        counted.started += 1;
        counted.failed += u64::from(failed);
    }
    rollups.personas = by_persona(&rollups.people, beginnings);
    Ok(rollups)
}

fn beginning(data: &str) -> Option<(Uuid, String)> {
    let data: Map<String, Value> = serde_json::from_str(data).ok()?;
    let journey = Uuid::try_parse(data.get("journey")?.as_str()?).ok()?;
    Some((journey, data.get("persona")?.as_str()?.to_owned()))
}

/// 2026-11-26 as 20261126: sorts as dates do, and a person who looks into the file can read it.
pub(super) fn day_number(day: Date) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

pub(super) fn day_of(number: i64) -> Result<Date, StoreError> {
    let part = |part: i64| i8::try_from(part).ok();
    let date = || {
        let year = i16::try_from(number / 10_000).ok()?;
        Date::new(year, part(number / 100 % 100)?, part(number % 100)?).ok()
    };
    date().ok_or_else(|| StoreError::Damaged(format!("{number} is no day")))
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
