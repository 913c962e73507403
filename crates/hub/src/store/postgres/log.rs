//! The one transaction that matters: log, marks and counts.
//!
//! Any number of hubs write at once. The first thing a transaction does is to lock the marks of its devices, so each
//! device has one writer at a time and each sequence is settled once. Every transaction locks in the same order: marks by
//! device, then journeys, then people by day, then counts by day and type; so none waits for one that waits for it. The counts come last,
//! because all hubs count today: their rows are held for one statement and the commit.
//!
//! People are a bitmap a day, as in SQLite, so that what reads them is the same; a table of (day, person) would be a
//! million rows where this is one a day. A bitmap only grows, so it is read without a lock first: once somebody was seen
//! on a day, nothing is locked or written for them.

use std::collections::BTreeMap;

use deadpool_postgres::{ClientWrapper, Transaction};
use firstlight_contract::hub::Verdict;
use jiff::civil::Date;
use roaring::RoaringBitmap;
use tokio_postgres::{Row, binary_copy::BinaryCopyInWriter, error::SqlState, types::Type};
use uuid::Uuid;

use super::{
    super::{
        DeviceKey, Progress, StoreError, Submission,
        columns::{Kinds, day_number, people_from, people_to},
        recount::RunSoFar,
        settling::{self, Accepted, Added},
    },
    kpis, number, requests, surveys,
};

/// Why a group was not written.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing of it was, and the next attempt may do better.
    Again(StoreError),
    /// It was not, or nobody knows whether it was: the answer to the commit is missing. Whoever sends it again learns it.
    Final(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

/// Before the commit nothing was written.
impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let lost = error.as_db_error().is_none()
            && (error.is_closed()
                || std::error::Error::source(&error)
                    .is_some_and(<dyn std::error::Error>::is::<std::io::Error>));
        if lost || passes(&error) { Self::Again(error.into()) } else { Self::Final(error.into()) }
    }
}

/// Whether the server says that nothing was written and that it may be tried again.
fn passes(error: &tokio_postgres::Error) -> bool {
    let codes = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
    ];
    error.code().is_some_and(|code| codes.contains(code))
}

pub(super) async fn append(
    client: &mut ClientWrapper,
    kinds: &Kinds,
    group: &[Submission],
) -> Result<Vec<Vec<Verdict>>, Failure> {
    let transaction = client.transaction().await?;
    let before = lock_marks(&transaction, group).await?;
    let settled = settling::settle(group, before);
    write_log(&transaction, kinds, &settled.accepted).await?;
    write_journeys(&transaction, &settled.accepted).await?;
    write_runs(&transaction, &settled.accepted).await?;
    let stories = kpis::tell(&transaction, &settled.accepted).await?;
    write_marks(&transaction, &settled.progress).await?;
    write_people(&transaction, &settled.added).await?;
    surveys::write(&transaction, &settled.accepted).await?;
    requests::write(&transaction, &settled.accepted).await?;
    write_counts(&transaction, kinds, &settled.added).await?;
    kpis::write_latest(&transaction, &stories).await?;
    transaction.commit().await.map_err(|error| match error.code() {
        Some(code)
            if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) =>
        {
            Failure::Again(error.into())
        }
        _ => Failure::Final(error.into()),
    })?;
    Ok(settled.verdicts)
}

const PROGRESS: &str = "SELECT device, high, gaps, accepted, refused, skew, latest, around FROM mark";

async fn lock_marks(
    transaction: &Transaction<'_>,
    group: &[Submission],
) -> Result<BTreeMap<DeviceKey, Progress>, Failure> {
    let devices: Vec<i64> = settling::devices(group).into_iter().map(|device| device.0).collect();
    let locked = format!("{PROGRESS} WHERE device = ANY ($1) ORDER BY device FOR UPDATE");
    let locked = transaction.prepare_cached(&locked).await?;
    let rows = transaction.query(&locked, &[&devices]).await?;
    Ok(rows.iter().map(read_progress).collect::<Result<_, _>>()?)
}

fn read_progress(row: &Row) -> Result<(DeviceKey, Progress), StoreError> {
    let device = DeviceKey(row.try_get(0)?);
    let [high, accepted, refused] = [1, 3, 4].map(|column| number(row.try_get(column)?));
    let row = settling::Row {
        device,
        high: high?,
        gaps: row.try_get(2)?,
        accepted: accepted?,
        refused: refused?,
        skew: row.try_get(5)?,
        latest: row.try_get(6)?,
        around: row.try_get(7)?,
    };
    Ok((device, row.progress()?))
}

/// All at once, as PostgreSQL takes rows fastest; what is in it twice was found by the marks already.
async fn write_log(
    transaction: &Transaction<'_>,
    kinds: &Kinds,
    accepted: &[Accepted<'_>],
) -> Result<(), Failure> {
    if accepted.is_empty() {
        return Ok(());
    }
    let copied = "COPY event (device, sequence, id, kind, time, recorded, received, day, data, happened) FROM STDIN BINARY";
    let copied = transaction.prepare_cached(copied).await?;
    let types = [
        Type::INT8,
        Type::INT8,
        Type::UUID,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT4,
        Type::TEXT,
        Type::INT8,
    ];
    let mut rows = std::pin::pin!(BinaryCopyInWriter::new(transaction.copy_in(&copied).await?, &types));
    for one in accepted {
        let Accepted { of, event, day, .. } = one;
        rows.as_mut()
            .write(&[
                &of.device.0,
                &whole(event.sequence)?,
                &event.id,
                &kinds.key(event.kind),
                &event.time.as_millisecond(),
                &event.recorded.as_millisecond(),
                &of.received.as_millisecond(),
                &day_number(*day),
                &event.data,
                &one.happened(),
            ])
            .await?;
    }
    rows.finish().await?;
    Ok(())
}

async fn write_journeys(transaction: &Transaction<'_>, accepted: &[Accepted<'_>]) -> Result<(), Failure> {
    let began = accepted.iter().filter_map(|one| Some((one, one.event.began.as_ref()?)));
    let (mut people, mut journeys, mut days, mut times, mut personas) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (Accepted { of, at, day, .. }, began) in began {
        people.push(whole(of.person.0)?);
        journeys.push(began.journey);
        days.push(day_number(*day));
        times.push(at.as_millisecond());
        personas.push(began.persona.as_str());
    }
    if people.is_empty() {
        return Ok(());
    }
    let written = "INSERT INTO journey (person, journey, day, time, persona)
                   SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::bigint[], $5::text[])";
    let written = transaction.prepare_cached(written).await?;
    transaction.execute(&written, &[&people, &journeys, &days, &times, &personas]).await?;
    Ok(())
}

async fn write_runs(transaction: &Transaction<'_>, accepted: &[Accepted<'_>]) -> Result<(), Failure> {
    // One row each: a statement may not change one twice.
    let mut heard: BTreeMap<(DeviceKey, Uuid), RunSoFar> = BTreeMap::new();
    for one in accepted {
        if let Some(run) = &one.event.run {
            heard.entry((one.of.device, run.id)).or_default().hear(&run.part);
        }
    }
    if heard.is_empty() {
        return Ok(());
    }
    let (devices, ids): (Vec<i64>, Vec<Uuid>) = heard.keys().map(|(device, id)| (device.0, *id)).unzip();
    let (packs, versions): (Vec<Option<&str>>, Vec<Option<&str>>) = heard
        .values()
        .map(|run| run.release.as_ref().map(|(pack, version)| (pack.as_str(), version.as_str())).unzip())
        .unzip();
    let failed: Vec<bool> = heard.values().map(|run| run.failed).collect();
    let written = "INSERT INTO run (device, run, pack, version, failed)
                   SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::boolean[])
                   ON CONFLICT (device, run) DO UPDATE SET
                       version = CASE WHEN run.pack IS NULL THEN excluded.version ELSE run.version END,
                       pack = coalesce(run.pack, excluded.pack), failed = run.failed OR excluded.failed";
    let written = transaction.prepare_cached(written).await?;
    transaction.execute(&written, &[&devices, &ids, &packs, &versions, &failed]).await?;
    Ok(())
}

async fn write_marks(
    transaction: &Transaction<'_>,
    progress: &BTreeMap<DeviceKey, Progress>,
) -> Result<(), Failure> {
    let devices: Vec<i64> = progress.keys().map(|device| device.0).collect();
    let (mut highs, mut gaps, mut accepted, mut refused) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut skews, mut latest, mut around) = (Vec::new(), Vec::new(), Vec::new());
    for progress in progress.values() {
        let (high, missing) = progress.marks.to_parts();
        highs.push(whole(high)?);
        gaps.push(missing);
        accepted.push(whole(progress.accepted)?);
        refused.push(whole(progress.refused)?);
        let course = progress.course.to_parts();
        skews.push(course.0);
        latest.push(course.1);
        around.push(course.2);
    }
    let written =
        "UPDATE mark SET high = new.high, gaps = new.gaps, accepted = new.accepted, refused = new.refused,
                         skew = new.skew, latest = new.latest, around = new.around
                   FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[],
                               $7::bigint[], $8::bytea[])
                        AS new (device, high, gaps, accepted, refused, skew, latest, around)
                   WHERE mark.device = new.device";
    let written = transaction.prepare_cached(written).await?;
    transaction
        .execute(&written, &[&devices, &highs, &gaps, &accepted, &refused, &skews, &latest, &around])
        .await?;
    Ok(())
}

async fn write_people(transaction: &Transaction<'_>, added: &Added) -> Result<(), Failure> {
    let mut new = added.people.clone();
    let days =
        |of: &BTreeMap<Date, RoaringBitmap>| -> Vec<i32> { of.keys().copied().map(day_number).collect() };
    let seen = "SELECT day, people FROM day_people WHERE day = ANY ($1)";
    let seen = transaction.prepare_cached(seen).await?;
    let seen = people_of(&transaction.query(&seen, &[&days(&new)]).await?)?;
    new.retain(|day, people| !seen.get(&day_number(*day)).is_some_and(|seen| people.is_subset(seen)));
    if new.is_empty() {
        return Ok(());
    }
    let days = days(&new);
    let nobody = people_to(&RoaringBitmap::new())?;
    let made = "INSERT INTO day_people (day, people) SELECT day, $2 FROM unnest($1::integer[]) AS new (day)
                ON CONFLICT DO NOTHING";
    let made = transaction.prepare_cached(made).await?;
    transaction.execute(&made, &[&days, &nobody]).await?;
    let locked = "SELECT day, people FROM day_people WHERE day = ANY ($1) ORDER BY day FOR UPDATE";
    let locked = transaction.prepare_cached(locked).await?;
    let mut all = people_of(&transaction.query(&locked, &[&days]).await?)?;
    for (day, people) in new {
        *all.entry(day_number(day)).or_default() |= people;
    }
    let sets = all.values().map(people_to).collect::<Result<Vec<_>, _>>()?;
    let written = "UPDATE day_people SET people = new.people
                   FROM unnest($1::integer[], $2::bytea[]) AS new (day, people) WHERE day_people.day = new.day";
    let written = transaction.prepare_cached(written).await?;
    transaction.execute(&written, &[&all.keys().copied().collect::<Vec<_>>(), &sets]).await?;
    Ok(())
}

fn people_of(rows: &[Row]) -> Result<BTreeMap<i32, RoaringBitmap>, StoreError> {
    rows.iter().map(|row| Ok((row.try_get(0)?, people_from(row.try_get(1)?)?))).collect()
}

async fn write_counts(transaction: &Transaction<'_>, kinds: &Kinds, added: &Added) -> Result<(), Failure> {
    // By number: in the order of the rows, whatever order a program has its types in.
    let mut rows = BTreeMap::new();
    for ((day, kind), n) in &added.events {
        rows.insert((day_number(*day), kinds.key(*kind)), whole(*n)?);
    }
    if rows.is_empty() {
        return Ok(());
    }
    let (days, numbers): (Vec<i32>, Vec<i64>) = rows.keys().copied().unzip();
    let grown = rows.into_values().collect::<Vec<i64>>();
    let written = "INSERT INTO day_events (day, kind, n)
                   SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bigint[])
                   ON CONFLICT (day, kind) DO UPDATE SET n = day_events.n + excluded.n";
    let written = transaction.prepare_cached(written).await?;
    transaction.execute(&written, &[&days, &numbers, &grown]).await?;
    Ok(())
}

pub(super) async fn progress(client: &ClientWrapper, device: DeviceKey) -> Result<Progress, StoreError> {
    let row = client.query_opt(&format!("{PROGRESS} WHERE device = $1"), &[&device.0]).await?;
    Ok(row.as_ref().map(read_progress).transpose()?.map(|(_, progress)| progress).unwrap_or_default())
}

fn whole(number: impl TryInto<i64>) -> Result<i64, StoreError> {
    number.try_into().map_err(|_| StoreError::Damaged("a number is too large for the database".to_owned()))
}
