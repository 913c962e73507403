//! Reading the counts, and counting again from the log.

use deadpool_postgres::ClientWrapper;
use futures::TryStreamExt as _;
use tokio_postgres::IsolationLevel;

use super::{
    super::{
        Beginning, DeviceKey, Rollups, Runs, StoreError, by_persona,
        columns::{Kinds, day_of, instant, people_from},
        recount::{Logged, Recount},
    },
    admission::person,
    number, retention,
};

pub(super) async fn rollups(client: &mut ClientWrapper, kinds: &Kinds) -> Result<Rollups, StoreError> {
    // All of one moment.
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let mut rollups = Rollups::default();
    for row in transaction.query("SELECT day, kind, n FROM day_events", &[]).await? {
        // A newer hub that serves from the same database may have counted what this one does not know.
        let Some(kind) = kinds.known(row.try_get(1)?) else { continue };
        rollups.events.insert((day_of(row.try_get(0)?)?, kind), number(row.try_get(2)?)?);
    }
    for row in transaction.query("SELECT day, people FROM day_people", &[]).await? {
        rollups.people.insert(day_of(row.try_get(0)?)?, people_from(row.try_get(1)?)?);
    }
    let mut beginnings = Vec::new();
    for row in transaction.query("SELECT day, time, journey, persona, person FROM journey", &[]).await? {
        beginnings.push(Beginning {
            day: day_of(row.try_get(0)?)?,
            time: instant(row.try_get(1)?)?,
            journey: row.try_get(2)?,
            persona: row.try_get(3)?,
            person: person(row.try_get(4)?)?,
        });
    }
    rollups.personas = by_persona(&rollups.people, beginnings);
    let counted = "SELECT pack, version, count(*), count(*) FILTER (WHERE failed) FROM run
                   WHERE pack IS NOT NULL GROUP BY pack, version";
    for row in transaction.query(counted, &[]).await? {
        let runs = Runs { started: number(row.try_get(2)?)?, failed: number(row.try_get(3)?)? };
        rollups.runs.insert((row.try_get(0)?, row.try_get(1)?), runs);
    }
    retention::past(&*transaction).await?.complete(&mut rollups)?;
    transaction.commit().await?;
    Ok(rollups)
}

pub(super) async fn runs(client: &ClientWrapper, pack: &str, version: &str) -> Result<Runs, StoreError> {
    let counted = "SELECT count(*), count(*) FILTER (WHERE failed) FROM run WHERE pack = $1 AND version = $2";
    let row = client.query_one(counted, &[&pack, &version]).await?;
    Ok(Runs { started: number(row.try_get(0)?)?, failed: number(row.try_get(1)?)? })
}

pub(super) async fn recount(client: &mut ClientWrapper, kinds: &Kinds) -> Result<Rollups, StoreError> {
    // All of one moment.
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let mut recount = Recount::default();
    each(&*transaction, kinds, |logged, _| recount.take(logged)).await?;
    let mut rollups = recount.done();
    retention::past(&*transaction).await?.complete(&mut rollups)?;
    Ok(rollups)
}

/// Hands over each event of the log with its number on its device, in the order in which they were written.
pub(super) async fn each(
    client: &impl tokio_postgres::GenericClient,
    kinds: &Kinds,
    mut take: impl FnMut(&Logged<'_>, u64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let log =
        "SELECT event.kind, event.day, coalesce(event.happened, event.time), event.data, device.person, event.device,
                      event.sequence, event.time
               FROM event JOIN device ON device.key = event.device ORDER BY event.key";
    let nothing: [i64; 0] = [];
    // Row by row: the log is longer than what fits into memory.
    let mut rows = std::pin::pin!(client.query_raw(log, nothing).await?);
    while let Some(row) = rows.try_next().await? {
        let Some(kind) = kinds.known(row.try_get(0)?) else { continue };
        let logged = Logged {
            device: DeviceKey(row.try_get(5)?),
            person: person(row.try_get(4)?)?,
            kind,
            day: day_of(row.try_get(1)?)?,
            time: instant(row.try_get(2)?)?,
            moved: row.try_get::<_, i64>(2)? - row.try_get::<_, i64>(7)?,
            data: row.try_get(3)?,
        };
        take(&logged, number(row.try_get(6)?)?)?;
    }
    Ok(())
}
