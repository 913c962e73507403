//! What each database can do without a hub: the same events in narrower rows, the same durability, nothing around it.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use roaring::RoaringBitmap;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio_postgres::{NoTls, binary_copy::BinaryCopyInWriter, types::Type};

use crate::events::{DEVICES, Event, Events};

/// Batches in a transaction: as many events as the hub's largest group has.
const GROUP: usize = 10;

/// The groups, in the order in which they arrive.
fn groups(events: Events) -> impl Iterator<Item = Vec<Event>> {
    let batches = (0..events.rounds).flat_map(|round| (0..DEVICES).map(move |device| (device, round)));
    let batches: Vec<_> = batches.collect();
    (0..batches.len().div_ceil(GROUP)).map(move |group| {
        let batches = batches.iter().skip(group * GROUP).take(GROUP);
        batches.flat_map(|(device, round)| events.batch(*device, *round)).collect()
    })
}

fn day(event: &Event) -> i64 {
    i64::from(event.day.year()) * 10_000 + i64::from(event.day.month()) * 100 + i64::from(event.day.day())
}

/// Appending to a log with a high-water mark and rollups, in one transaction a group. Making the events is not counted.
pub(crate) fn sqlite(path: &Path, events: Events) -> Duration {
    let mut conn = Connection::open(path).unwrap();
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.execute_batch(
        "CREATE TABLE event (device INTEGER, sequence INTEGER, id BLOB, day INTEGER, time INTEGER, data TEXT) STRICT;
         CREATE TABLE mark (device INTEGER PRIMARY KEY, high INTEGER) STRICT;
         CREATE TABLE day_events (day INTEGER PRIMARY KEY, n INTEGER) STRICT;
         CREATE TABLE day_people (day INTEGER PRIMARY KEY, people BLOB) STRICT;",
    )
    .unwrap();
    let mut spent = Duration::ZERO;
    for group in groups(events) {
        let begun = Instant::now();
        let transaction = conn.transaction().unwrap();
        let mut counted: BTreeMap<i64, (u64, RoaringBitmap)> = BTreeMap::new();
        let mut highs: BTreeMap<usize, u64> = BTreeMap::new();
        {
            let mut high = transaction.prepare_cached("SELECT high FROM mark WHERE device = ?1").unwrap();
            let mut log =
                transaction.prepare_cached("INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)").unwrap();
            for event in &group {
                let high = highs.entry(event.device).or_insert_with(|| {
                    high.query_row([event.device], |row| row.get(0)).optional().unwrap().unwrap_or(0)
                });
                if event.sequence <= *high {
                    continue;
                }
                *high = event.sequence;
                let (day, time) = (day(event), event.time.as_millisecond());
                log.execute(params![
                    event.device,
                    event.sequence,
                    event.id.as_bytes(),
                    day,
                    time,
                    event.data()
                ])
                .unwrap();
                let (n, people) = counted.entry(day).or_default();
                *n += 1;
                people.insert(u32::try_from(event.device).unwrap());
            }
            let mut mark = transaction.prepare_cached("INSERT OR REPLACE INTO mark VALUES (?1, ?2)").unwrap();
            for (device, high) in highs {
                mark.execute(params![device, high]).unwrap();
            }
            let mut count = transaction
                .prepare_cached(
                    "INSERT INTO day_events VALUES (?1, ?2) ON CONFLICT (day) DO UPDATE SET n = n + ?2",
                )
                .unwrap();
            let mut known =
                transaction.prepare_cached("SELECT people FROM day_people WHERE day = ?1").unwrap();
            let mut write =
                transaction.prepare_cached("INSERT OR REPLACE INTO day_people VALUES (?1, ?2)").unwrap();
            for (day, (n, mut people)) in counted {
                count.execute(params![day, n]).unwrap();
                let before: Option<Vec<u8>> = known.query_row([day], |row| row.get(0)).optional().unwrap();
                if let Some(before) = before {
                    people |= RoaringBitmap::deserialize_from(&*before).unwrap();
                }
                let mut bytes = Vec::new();
                people.serialize_into(&mut bytes).unwrap();
                write.execute(params![day, bytes]).unwrap();
            }
        }
        transaction.commit().unwrap();
        spent += begun.elapsed();
    }
    let log: u64 = conn.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap();
    assert_eq!(log, events.sent().1);
    spent
}

/// Rows copied to a table beside, and from there into a log whose key finds duplicates.
pub(crate) async fn postgres(url: &str, events: Events) -> Duration {
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE TABLE event (device bigint, sequence bigint, id uuid, day bigint, time bigint, data text,
                                 PRIMARY KEY (device, sequence));
             CREATE TEMPORARY TABLE staged (device bigint, sequence bigint, id uuid, day bigint, time bigint,
                                            data text)",
        )
        .await
        .unwrap();
    let copied = client.prepare("COPY staged FROM STDIN BINARY").await.unwrap();
    let moved =
        client.prepare("INSERT INTO event SELECT * FROM staged ON CONFLICT DO NOTHING").await.unwrap();
    let emptied = client.prepare("TRUNCATE staged").await.unwrap();
    let types = [Type::INT8, Type::INT8, Type::UUID, Type::INT8, Type::INT8, Type::TEXT];
    let mut spent = Duration::ZERO;
    for group in groups(events) {
        let begun = Instant::now();
        let transaction = client.transaction().await.unwrap();
        let mut rows =
            std::pin::pin!(BinaryCopyInWriter::new(transaction.copy_in(&copied).await.unwrap(), &types));
        for event in &group {
            let (device, sequence) =
                (i64::try_from(event.device).unwrap(), i64::try_from(event.sequence).unwrap());
            let (day, time, data) = (day(event), event.time.as_millisecond(), event.data());
            rows.as_mut().write(&[&device, &sequence, &event.id, &day, &time, &data]).await.unwrap();
        }
        rows.finish().await.unwrap();
        transaction.execute(&moved, &[]).await.unwrap();
        transaction.execute(&emptied, &[]).await.unwrap();
        transaction.commit().await.unwrap();
        spent += begun.elapsed();
    }
    let log: i64 = client.query_one("SELECT count(*) FROM event", &[]).await.unwrap().get(0);
    assert_eq!(u64::try_from(log).unwrap(), events.sent().1);
    drop(client);
    connection.await.unwrap().unwrap();
    spent
}
