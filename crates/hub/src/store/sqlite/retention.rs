//! Forgetting, piece by piece: between two of them whoever waits to write does.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{
    super::{
        StoreError,
        columns::{Kinds, day_number, people_from},
        people::{NAMES, known_otherwise},
        retention::{Earliest, Forgotten, Horizon, PIECE, Past, Retention, What, run_told, too_early},
        stories::Key,
    },
    SqliteStore, audit, kpis, people,
    surveys::forget_until,
};
use crate::{
    audit::{Act, By},
    insights::journey_steps::Names,
    signals::SignalKind,
};

#[async_trait]
impl Retention for SqliteStore {
    async fn turn_to_forget(&self, now: Timestamp) -> Result<bool, StoreError> {
        Self::on(&self.writer, move |conn| {
            let sql = "UPDATE hub SET forgot = ?1 WHERE forgot <= ?2";
            Ok(conn.execute(sql, [now.as_millisecond(), too_early(now)])? > 0)
        })
        .await
    }

    async fn forget(&self, by: &By, horizon: Horizon, zone: &TimeZone) -> Result<Forgotten, StoreError> {
        let day = day_number(horizon.day);
        let mut forgotten = Forgotten::default();
        let old = Self::on(&self.reader, move |conn| {
            let mut statement = conn.prepare("SELECT rowid FROM event WHERE day < ?1")?;
            let rows = statement.query_map([day], |row| row.get(0))?;
            Ok(rows.collect::<Result<Vec<i64>, _>>()?)
        })
        .await?;
        for piece in old.chunks(PIECE) {
            let (kinds, piece) = (self.kinds.clone(), piece.to_vec());
            forgotten.events += Self::on(&self.writer, move |conn| events(conn, &kinds, &piece, day)).await?;
        }
        Self::on(&self.writer, move |conn| days(conn, day)).await?;
        let before = horizon.time.as_millisecond();
        let old = Self::on(&self.reader, move |conn| old_journeys(conn, before)).await?;
        for piece in old.chunks(PIECE) {
            let piece = piece.to_vec();
            forgotten.journeys += Self::on(&self.writer, move |conn| journeys(conn, &piece)).await?;
        }
        let zone = zone.clone();
        forgotten.answers += Self::on(&self.writer, move |conn| forget_until(conn, horizon, &zone)).await?;
        forgotten.signals += Self::on(&self.writer, move |conn| signals(conn, horizon)).await?;
        let by = by.clone();
        let forgotten = Self::on(&self.writer, move |conn| of_nobody(conn, &by, horizon, forgotten)).await?;
        // Also what an erase that was cut off has left in the file.
        Self::on(&self.writer, people::sweep).await?;
        Ok(forgotten)
    }
}

/// The sums that are kept.
pub(super) fn past(conn: &Connection) -> Result<Past, StoreError> {
    let mut past = Past::default();
    let mut statement = conn.prepare_cached("SELECT what, name, day, n FROM past")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        past.read(&row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?)?;
    }
    Ok(past)
}

fn remember(conn: &Connection, past: &Past) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO past (what, name, day, n) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET n = n + ?4",
    )?;
    for ((what, name, day), n) in &past.sums {
        statement.execute(params![what.name(), name, day, n])?;
    }
    Ok(())
}

fn begin(conn: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    Ok(conn.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// Some events of the log, those that are still there.
fn events(conn: &mut Connection, kinds: &Kinds, rows: &[i64], before: i32) -> Result<u64, StoreError> {
    let transaction = begin(conn)?;
    let mut past = Past::default();
    let (mut counted, mut devices) = (BTreeMap::<(i32, i64), u64>::new(), BTreeMap::<i64, u64>::new());
    let mut runs: Vec<(bool, i64, Uuid)> = Vec::new();
    {
        // A row that was swept meanwhile may be another one by now.
        let mut gone = transaction.prepare_cached(
            "DELETE FROM event WHERE rowid = ?1 AND day < ?2 RETURNING device, kind, day, data",
        )?;
        for row in rows {
            let mut found = gone.query(params![row, before])?;
            let Some(row) = found.next()? else { continue };
            let (device, kind, day): (i64, i64, i32) = (row.get(0)?, row.get(1)?, row.get(2)?);
            *counted.entry((day, kind)).or_default() += 1;
            *devices.entry(device).or_default() += 1;
            let data: String = row.get(3)?;
            if let Some((run, begins)) = run_told(kinds.kind(kind)?, &data) {
                runs.push((!begins, device, run));
            }
        }
        let mut fewer =
            transaction.prepare_cached("UPDATE day_events SET n = n - ?3 WHERE day = ?1 AND kind = ?2")?;
        for ((day, kind), n) in &counted {
            fewer.execute(params![day, kind, n])?;
            past.add(What::Events, kinds.kind(*kind)?.name(), *day, *n);
        }
        let mut fewer =
            transaction.prepare_cached("UPDATE mark SET forgotten = forgotten + ?2 WHERE device = ?1")?;
        for (device, n) in &devices {
            fewer.execute(params![device, n])?;
        }
    }
    transaction.execute("DELETE FROM day_events WHERE n = 0", [])?;
    // Beginnings first: with them goes the run.
    runs.sort_unstable();
    for (ends, device, run) in runs {
        forget_run(&transaction, ends, device, run, &mut past)?;
    }
    remember(&transaction, &past)?;
    transaction.commit()?;
    Ok(counted.values().sum())
}

fn forget_run(
    conn: &Connection,
    ends: bool,
    device: i64,
    run: Uuid,
    past: &mut Past,
) -> Result<(), StoreError> {
    let of = params![device, run.as_bytes()];
    if ends {
        // One whose beginning is still there goes on without its end.
        conn.execute("UPDATE run SET failed = 0 WHERE device = ?1 AND run = ?2", of)?;
        conn.execute("DELETE FROM run WHERE device = ?1 AND run = ?2 AND pack IS NULL", of)?;
        return Ok(());
    }
    let mut gone = conn
        .prepare_cached("DELETE FROM run WHERE device = ?1 AND run = ?2 RETURNING pack, version, failed")?;
    let mut rows = gone.query(of)?;
    while let Some(row) = rows.next()? {
        let (pack, version): (Option<String>, Option<String>) = (row.get(0)?, row.get(1)?);
        past.forget_run(pack.zip(version), row.get(2)?)?;
    }
    Ok(())
}

/// Who was active on days that are too old, and who began what then.
fn days(conn: &mut Connection, before: i32) -> Result<(), StoreError> {
    let transaction = begin(conn)?;
    let mut past = Past::default();
    {
        let mut gone =
            transaction.prepare_cached("DELETE FROM day_people WHERE day < ?1 RETURNING day, people")?;
        let mut rows = gone.query([before])?;
        while let Some(row) = rows.next()? {
            past.add(What::People, "", row.get(0)?, people_from(&row.get::<_, Vec<u8>>(1)?)?.len());
        }
    }
    transaction.execute("DELETE FROM journey WHERE day < ?1", [before])?;
    remember(&transaction, &past)?;
    Ok(transaction.commit()?)
}

/// The journeys that tell of something too old.
fn old_journeys(conn: &mut Connection, before: i64) -> Result<Vec<Key>, StoreError> {
    let conn = conn.transaction()?;
    let (mut earliest, mut names) = (Earliest::default(), Names::default());
    let mut statement = conn.prepare(&format!("SELECT {}, journey FROM story", kpis::COLUMNS))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let journey = kpis::journey(row, &mut names)?;
        earliest.of_journey(Uuid::from_bytes(row.get(12)?), &journey);
    }
    // Also of a step of which nothing is counted.
    let mut statement = conn.prepare("SELECT person, journey, told FROM step_story")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let key = (row.get(0)?, Uuid::from_bytes(row.get(1)?));
        earliest.of_step(key, &row.get::<_, Vec<u8>>(2)?)?;
    }
    Ok(earliest.before(before))
}

fn journeys(conn: &mut Connection, keys: &[Key]) -> Result<u64, StoreError> {
    let transaction = begin(conn)?;
    let mut gone = 0;
    for (person, id) in keys {
        let of = params![person, id.as_bytes()];
        gone += transaction.execute("DELETE FROM story WHERE person = ?1 AND journey = ?2", of)? as u64;
        transaction.execute("DELETE FROM step_story WHERE person = ?1 AND journey = ?2", of)?;
        transaction.execute("UPDATE person SET past = 1 WHERE key = ?1", [person])?;
    }
    transaction.commit()?;
    Ok(gone)
}

/// What other programs said, and who used what.
fn signals(conn: &mut Connection, horizon: Horizon) -> Result<u64, StoreError> {
    let transaction = begin(conn)?;
    let (before, month) = (day_number(horizon.day), day_number(horizon.month));
    transaction.execute(
        "UPDATE person SET past = 1 WHERE key IN (SELECT person FROM signal WHERE kind = ?1 AND day < ?2)",
        params![SignalKind::ChangeMerged.name(), before],
    )?;
    let old = "DELETE FROM signal WHERE day < ?1 OR kind = ?2 AND day < ?3";
    let gone = transaction.execute(old, params![before, SignalKind::ServiceUsed.name(), month])? as u64;
    transaction.execute("DELETE FROM service_month WHERE month < ?1 / 100", [month])?;
    transaction.commit()?;
    Ok(gone)
}

/// Codes, devices and tokens that count no more for long, and people of whom nothing else is left. The last piece: it is
/// written down how much all of them were.
fn of_nobody(
    conn: &mut Connection,
    by: &By,
    horizon: Horizon,
    mut forgotten: Forgotten,
) -> Result<Forgotten, StoreError> {
    let transaction = begin(conn)?;
    let before = horizon.time.as_millisecond();
    let request =
        "SELECT id FROM request WHERE max(coalesce(asked, 0), coalesce(received, 0), coalesce(ended, 0),
                                                coalesce(answered, 0)) < ?1";
    for table in ["request_news", "webhook_delivery"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE request IN ({request})"), [before])?;
    }
    transaction.execute(&format!("DELETE FROM request WHERE id IN ({request})"), [before])?;
    transaction.execute("DELETE FROM code WHERE coalesce(used, expires) < ?1", [before])?;
    let tokens = "min(coalesce(revoked, access.expires), access.expires) < ?1";
    // Sessions first: they stand and fall with tokens.
    transaction.execute(
        &format!(
            "DELETE FROM session WHERE expires < ?2 OR access IN (SELECT id FROM access WHERE {tokens})"
        ),
        [before, horizon.sessions.as_millisecond()],
    )?;
    transaction.execute(&format!("DELETE FROM access WHERE {tokens}"), [before])?;
    people::keep_numbers(&transaction)?;
    let old = "SELECT key FROM device WHERE min(coalesce(revoked, expires), expires) < ?1
               AND coalesce(next_expires, 0) < ?1 AND NOT EXISTS (SELECT 1 FROM event WHERE event.device = device.key)";
    transaction.execute(&format!("DELETE FROM mark WHERE device IN ({old})"), [before])?;
    transaction.execute(&format!("DELETE FROM run WHERE device IN ({old})"), [before])?;
    forgotten.devices =
        transaction.execute(&format!("DELETE FROM device WHERE key IN ({old})"), [before])? as u64;
    let known = known_otherwise();
    transaction
        .execute(&format!("UPDATE person SET alone = NULL WHERE alone IS NOT NULL AND {known}"), [])?;
    transaction.execute(
        &format!("UPDATE person SET alone = ?1 WHERE alone IS NULL AND NOT {known}"),
        [horizon.now.as_millisecond()],
    )?;
    let alone = "SELECT key FROM person WHERE alone < ?1";
    let since = [horizon.alone.as_millisecond()];
    for table in NAMES {
        transaction.execute(&format!("DELETE FROM {table} WHERE person IN ({alone})"), since)?;
    }
    forgotten.people =
        transaction.execute(&format!("DELETE FROM person WHERE key IN ({alone})"), since)? as u64;
    if forgotten != Forgotten::default() {
        audit::write(&transaction, by, &Act::Forgotten { forgotten })?;
    }
    transaction.commit()?;
    Ok(forgotten)
}
