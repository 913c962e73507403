//! Reading the counts, and counting again from the log.

use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::{
    super::{
        Beginning, DeviceKey, PersonKey, Rollups, Runs, StoreError, by_persona,
        columns::{Kinds, day_of, instant, people_from},
        recount::{Logged, Recount},
    },
    retention,
};

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
    retention::past(&conn)?.complete(&mut rollups)?;
    Ok(rollups)
}

pub(super) fn runs(conn: &Connection, pack: &str, version: &str) -> Result<Runs, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT count(*), coalesce(sum(failed), 0) FROM run WHERE pack = ?1 AND version = ?2",
    )?;
    let counted = |row: &Row<'_>| Ok(Runs { started: row.get(0)?, failed: row.get(1)? });
    Ok(statement.query_row([pack, version], counted)?)
}

pub(super) fn recount(conn: &Connection, kinds: &Kinds) -> Result<Rollups, StoreError> {
    let mut recount = Recount::default();
    let mut statement = conn.prepare(
        "SELECT event.kind, event.day, coalesce(event.happened, event.time), event.data, device.person, event.device,
                event.time
         FROM event JOIN device ON device.key = event.device ORDER BY event.rowid",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let data: String = row.get(3)?;
        recount.take(&Logged {
            device: DeviceKey(row.get(5)?),
            person: PersonKey(row.get(4)?),
            kind: kinds.kind(row.get(0)?)?,
            day: day_of(row.get(1)?)?,
            time: instant(row.get(2)?)?,
            moved: row.get::<_, i64>(2)? - row.get::<_, i64>(6)?,
            data: &data,
        })?;
    }
    let mut rollups = recount.done();
    retention::past(conn)?.complete(&mut rollups)?;
    Ok(rollups)
}
