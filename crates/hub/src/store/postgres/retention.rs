//! Forgetting, piece by piece: between two of them whoever waits for a row gets it. Each piece locks in the order of all that
//! write (`log.rs`), so hubs that forget at once are in each other's way and nothing worse.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use deadpool_postgres::{ClientWrapper, Transaction};
use jiff::{Timestamp, tz::TimeZone};
use tokio_postgres::GenericClient;
use uuid::Uuid;

use super::{
    super::{
        StoreError,
        columns::{Kinds, day_number, people_from},
        people::{NAMES, known_otherwise},
        retention::{Earliest, Forgotten, Horizon, PIECE, Past, Retention, What, run_told, too_early},
        stories::Key,
    },
    PostgresStore, admission, again, audit, kpis,
    log::Failure,
    number, people,
    surveys::forget_until,
};
use crate::{
    audit::{Act, By},
    insights::journey_steps::Names,
    signals::SignalKind,
};

#[async_trait]
impl Retention for PostgresStore {
    async fn turn_to_forget(&self, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE hub SET forgot = $1 WHERE forgot <= $2";
        Ok(self.client().await?.execute(sql, &[&now.as_millisecond(), &too_early(now)]).await? > 0)
    }

    async fn forget(&self, by: &By, horizon: Horizon, zone: &TimeZone) -> Result<Forgotten, StoreError> {
        let day = day_number(horizon.day);
        let mut forgotten = Forgotten::default();
        // The log has no index; a row is found again by where it lies.
        let old = "SELECT ctid::text, device FROM event WHERE day < $1 ORDER BY ctid";
        let old = self.client().await?.query(old, &[&day]).await?;
        let old = old.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let old: Vec<(String, i64)> = old.collect::<Result<_, StoreError>>()?;
        for piece in old.chunks(PIECE) {
            forgotten.events += again!(self, client => events(&mut client, &self.kinds, piece, day));
        }
        again!(self, client => days(&mut client, day));
        let before = horizon.time.as_millisecond();
        let old = again!(self, client => old_journeys(&mut client, before));
        for piece in old.chunks(PIECE) {
            forgotten.journeys += again!(self, client => journeys(&mut client, piece));
        }
        forgotten.answers = again!(self, client => answers(&mut client, horizon, zone));
        forgotten.signals = again!(self, client => signals(&mut client, horizon));
        Ok(again!(self, client => of_nobody(&mut client, by, horizon, forgotten)))
    }
}

/// The sums that are kept.
pub(super) async fn past(client: &impl GenericClient) -> Result<Past, StoreError> {
    let mut past = Past::default();
    for row in client.query("SELECT what, name, day, n FROM past", &[]).await? {
        past.read(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, number(row.try_get(3)?)?)?;
    }
    Ok(past)
}

/// Comes last in a transaction: its rows are everybody's.
async fn remember(transaction: &Transaction<'_>, past: &Past) -> Result<(), Failure> {
    let sql = "INSERT INTO past (what, name, day, n) VALUES ($1, $2, $3, $4)
               ON CONFLICT (what, name, day) DO UPDATE SET n = past.n + excluded.n";
    for ((what, name, day), n) in &past.sums {
        transaction.execute(sql, &[&what.name(), name, day, &count(*n)?]).await?;
    }
    Ok(())
}

fn count(n: u64) -> Result<i64, StoreError> {
    i64::try_from(n).map_err(|_| StoreError::Damaged("a count is too large for the database".to_owned()))
}

/// Some events of the log, by place and device; those that are still there.
async fn events(
    client: &mut ClientWrapper,
    kinds: &Kinds,
    rows: &[(String, i64)],
    before: i32,
) -> Result<u64, Failure> {
    let transaction = client.transaction().await?;
    let devices: BTreeSet<i64> = rows.iter().map(|(_, device)| *device).collect();
    let devices: Vec<i64> = devices.into_iter().collect();
    let locked = "SELECT FROM mark WHERE device = ANY ($1) ORDER BY device FOR UPDATE";
    transaction.execute(locked, &[&devices]).await?;
    let places: Vec<&str> = rows.iter().map(|(place, _)| place.as_str()).collect();
    // What lies there by now may be another one.
    let gone = "DELETE FROM event WHERE ctid = ANY ($1::text[]::tid[]) AND day < $2 AND device = ANY ($3)
                RETURNING device, kind, day, data";
    let mut past = Past::default();
    let (mut counted, mut forgotten) = (BTreeMap::<(i32, i64), u64>::new(), BTreeMap::<i64, u64>::new());
    let mut runs: Vec<(bool, i64, Uuid)> = Vec::new();
    for row in transaction.query(gone, &[&places, &before, &devices]).await? {
        let (device, kind, day): (i64, i64, i32) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        *counted.entry((day, kind)).or_default() += 1;
        *forgotten.entry(device).or_default() += 1;
        // What only a newer hub knows is nothing this one has counted as a run.
        let Some(known) = kinds.known(kind) else { continue };
        if let Some((run, begins)) = run_told(known, row.try_get(3)?) {
            runs.push((!begins, device, run));
        }
    }
    // Beginnings first: with them goes the run.
    runs.sort_unstable();
    for (ends, device, run) in runs {
        forget_run(&transaction, ends, device, run, &mut past).await?;
    }
    for (device, n) in &forgotten {
        let sql = "UPDATE mark SET forgotten = forgotten + $2 WHERE device = $1";
        transaction.execute(sql, &[device, &count(*n)?]).await?;
    }
    for ((day, kind), n) in &counted {
        let fewer = "UPDATE day_events SET n = n - $3 WHERE day = $1 AND kind = $2";
        transaction.execute(fewer, &[day, kind, &count(*n)?]).await?;
        let none = "DELETE FROM day_events WHERE day = $1 AND kind = $2 AND n = 0";
        transaction.execute(none, &[day, kind]).await?;
        if let Some(known) = kinds.known(*kind) {
            past.add(What::Events, known.name(), *day, *n);
        }
    }
    remember(&transaction, &past).await?;
    transaction.commit().await?;
    Ok(counted.values().sum())
}

async fn forget_run(
    transaction: &Transaction<'_>,
    ends: bool,
    device: i64,
    run: Uuid,
    past: &mut Past,
) -> Result<(), Failure> {
    if ends {
        // One whose beginning is still there goes on without its end.
        let open = "UPDATE run SET failed = false WHERE device = $1 AND run = $2";
        transaction.execute(open, &[&device, &run]).await?;
        let unknown = "DELETE FROM run WHERE device = $1 AND run = $2 AND pack IS NULL";
        transaction.execute(unknown, &[&device, &run]).await?;
        return Ok(());
    }
    let gone = "DELETE FROM run WHERE device = $1 AND run = $2 RETURNING pack, version, failed";
    if let Some(row) = transaction.query_opt(gone, &[&device, &run]).await? {
        let (pack, version): (Option<String>, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        past.forget_run(pack.zip(version), row.try_get(2)?)?;
    }
    Ok(())
}

/// Who was active on days that are too old, and who began what then.
async fn days(client: &mut ClientWrapper, before: i32) -> Result<(), Failure> {
    let transaction = client.transaction().await?;
    let mut past = Past::default();
    transaction.execute("DELETE FROM journey WHERE day < $1", &[&before]).await?;
    let locked = "SELECT day, people FROM day_people WHERE day < $1 ORDER BY day FOR UPDATE";
    for row in transaction.query(locked, &[&before]).await? {
        past.add(What::People, "", row.try_get(0)?, people_from(row.try_get(1)?)?.len());
    }
    transaction.execute("DELETE FROM day_people WHERE day < $1", &[&before]).await?;
    remember(&transaction, &past).await?;
    Ok(transaction.commit().await?)
}

/// The journeys that tell of something too old.
async fn old_journeys(client: &mut ClientWrapper, before: i64) -> Result<Vec<Key>, Failure> {
    let (mut earliest, mut names) = (Earliest::default(), Names::default());
    for row in client.query(&format!("SELECT {} FROM story", kpis::COLUMNS), &[]).await? {
        let ((_, id), journey) = kpis::journey(&row, &mut names)?;
        earliest.of_journey(id, &journey);
    }
    for row in client.query("SELECT person, journey, told FROM step_story", &[]).await? {
        let key = (admission::person(row.try_get(0)?)?.0, row.try_get(1)?);
        earliest.of_step(key, row.try_get(2)?)?;
    }
    Ok(earliest.before(before))
}

async fn journeys(client: &mut ClientWrapper, keys: &[Key]) -> Result<u64, Failure> {
    let transaction = client.transaction().await?;
    let mut gone = 0;
    for (person, id) in keys {
        let person = i64::from(*person);
        // Whoever tells of a journey locks its story first.
        let story = "DELETE FROM story WHERE person = $1::bigint AND journey = $2";
        gone += transaction.execute(story, &[&person, id]).await?;
        let steps = "DELETE FROM step_story WHERE person = $1::bigint AND journey = $2";
        transaction.execute(steps, &[&person, id]).await?;
        transaction.execute("UPDATE person SET past = true WHERE key = $1::bigint", &[&person]).await?;
    }
    transaction.commit().await?;
    Ok(gone)
}

async fn answers(client: &mut ClientWrapper, horizon: Horizon, zone: &TimeZone) -> Result<u64, Failure> {
    let transaction = client.transaction().await?;
    admission::salt(&transaction).await?;
    let gone = forget_until(&transaction, horizon, zone).await?;
    transaction.commit().await?;
    Ok(gone)
}

/// What other programs said, and who used what.
async fn signals(client: &mut ClientWrapper, horizon: Horizon) -> Result<u64, Failure> {
    let transaction = client.transaction().await?;
    admission::salt(&transaction).await?;
    let (before, month) = (day_number(horizon.day), day_number(horizon.month));
    let had = "UPDATE person SET past = true
               WHERE key IN (SELECT person FROM signal WHERE kind = $1 AND day < $2)";
    transaction.execute(had, &[&SignalKind::ChangeMerged.name(), &before]).await?;
    let old = "DELETE FROM signal WHERE day < $1 OR kind = $2 AND day < $3";
    let gone = transaction.execute(old, &[&before, &SignalKind::ServiceUsed.name(), &month]).await?;
    transaction.execute("DELETE FROM service_month WHERE month < $1 / 100", &[&month]).await?;
    transaction.commit().await?;
    Ok(gone)
}

/// Codes, devices and tokens that count no more for long, and people of whom nothing else is left. The last piece: it is
/// written down how much all of them were.
async fn of_nobody(
    client: &mut ClientWrapper,
    by: &By,
    horizon: Horizon,
    mut forgotten: Forgotten,
) -> Result<Forgotten, Failure> {
    let transaction = client.transaction().await?;
    admission::salt(&transaction).await?;
    let before = horizon.time.as_millisecond();
    let request = "SELECT id FROM request WHERE coalesce(greatest(asked, received, ended, answered), 0) < $1";
    for table in ["request_news", "webhook_delivery"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE request IN ({request})"), &[&before]).await?;
    }
    transaction.execute(&format!("DELETE FROM request WHERE id IN ({request})"), &[&before]).await?;
    transaction.execute("DELETE FROM code WHERE coalesce(used, expires) < $1", &[&before]).await?;
    let tokens = "least(revoked, access.expires) < $1";
    // Sessions first: they stand and fall with tokens.
    let sessions =
        format!("DELETE FROM session WHERE expires < $2 OR access IN (SELECT id FROM access WHERE {tokens})");
    transaction.execute(&sessions, &[&before, &horizon.sessions.as_millisecond()]).await?;
    transaction.execute(&format!("DELETE FROM access WHERE {tokens}"), &[&before]).await?;
    // Their marks are held, as by whoever would write for them.
    let old = "SELECT device FROM mark JOIN device ON device.key = mark.device
               WHERE least(revoked, expires) < $1 AND coalesce(next_expires, 0) < $1
                 AND NOT EXISTS (SELECT FROM event WHERE event.device = device.key)
               ORDER BY device FOR UPDATE OF mark";
    let old = transaction.query(old, &[&before]).await?;
    let old = old.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    for table in ["run", "mark"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE device = ANY ($1)"), &[&old]).await?;
    }
    forgotten.devices = transaction.execute("DELETE FROM device WHERE key = ANY ($1)", &[&old]).await?;
    let known = known_otherwise();
    let again = format!("UPDATE person SET alone = NULL WHERE alone IS NOT NULL AND {known}");
    transaction.execute(&again, &[]).await?;
    let alone = format!("UPDATE person SET alone = $1 WHERE alone IS NULL AND NOT {known}");
    transaction.execute(&alone, &[&horizon.now.as_millisecond()]).await?;
    people::keep_numbers(&transaction).await?;
    let since = horizon.alone.as_millisecond();
    for table in NAMES {
        let names = format!("DELETE FROM {table} WHERE person IN (SELECT key FROM person WHERE alone < $1)");
        transaction.execute(&names, &[&since]).await?;
    }
    forgotten.people = transaction.execute("DELETE FROM person WHERE alone < $1", &[&since]).await?;
    if forgotten != Forgotten::default() {
        audit::write(&transaction, by, &Act::Forgotten { forgotten }).await?;
    }
    transaction.commit().await?;
    Ok(forgotten)
}
