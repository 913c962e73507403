//! What each database can do without a hub: the same events in narrower rows, the same durability, nothing around it.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use roaring::RoaringBitmap;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, Statement, binary_copy::BinaryCopyInWriter, types::Type};

use crate::events::{DEVICES, Event, Events};

/// Batches in a transaction: as many events as the hub's largest group has.
const GROUP: usize = 10;

/// The groups of a round, in the order in which they arrive.
fn groups(events: Events, round: u64) -> impl Iterator<Item = Vec<Event>> {
    (0..DEVICES).step_by(GROUP).map(move |first| {
        let devices = first..DEVICES.min(first + GROUP);
        devices.flat_map(|device| events.batch(device, round)).collect()
    })
}

fn day(event: &Event) -> i64 {
    i64::from(event.day.year()) * 10_000 + i64::from(event.day.month()) * 100 + i64::from(event.day.day())
}

/// A log with a high-water mark and rollups, appended to in one transaction a group.
pub(crate) struct Sqlite {
    conn: Connection,
    events: Events,
    spent: Duration,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, events: Events) -> Self {
        let conn = Connection::open(path).unwrap();
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
        conn.pragma_update(None, "synchronous", "FULL").unwrap();
        conn.execute_batch(
            "CREATE TABLE event (device INTEGER, sequence INTEGER, id BLOB, day INTEGER, time INTEGER, data TEXT) STRICT;
             CREATE TABLE mark (device INTEGER PRIMARY KEY, high INTEGER) STRICT;
             CREATE TABLE day_events (day INTEGER PRIMARY KEY, n INTEGER) STRICT;
             CREATE TABLE day_people (day INTEGER PRIMARY KEY, people BLOB) STRICT;",
        )
        .unwrap();
        Self { conn, events, spent: Duration::ZERO }
    }

    /// Making the events is not counted.
    pub(crate) fn take(&mut self, round: u64) {
        for group in groups(self.events, round) {
            let begun = Instant::now();
            self.append(&group);
            self.spent += begun.elapsed();
        }
    }

    fn append(&mut self, group: &[Event]) {
        let transaction = self.conn.transaction().unwrap();
        let mut counted: BTreeMap<i64, (u64, RoaringBitmap)> = BTreeMap::new();
        let mut highs: BTreeMap<usize, u64> = BTreeMap::new();
        {
            let mut high = transaction.prepare_cached("SELECT high FROM mark WHERE device = ?1").unwrap();
            let mut log =
                transaction.prepare_cached("INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)").unwrap();
            for event in group {
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
    }

    /// How long that took, after the last round.
    pub(crate) fn spent(self) -> Duration {
        let log: u64 = self.conn.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap();
        assert_eq!(log, self.events.sent().1);
        self.spent
    }
}

/// Rows copied to a table beside, and from there into a log whose key finds duplicates.
pub(crate) struct Postgres {
    client: Client,
    connection: JoinHandle<Result<(), tokio_postgres::Error>>,
    copied: Statement,
    moved: Statement,
    emptied: Statement,
    events: Events,
    spent: Duration,
}

impl Postgres {
    pub(crate) async fn open(url: &str, events: Events) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
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
        Self { client, connection, copied, moved, emptied, events, spent: Duration::ZERO }
    }

    /// Making the events is not counted.
    pub(crate) async fn take(&mut self, round: u64) {
        for group in groups(self.events, round) {
            let begun = Instant::now();
            self.append(&group).await;
            self.spent += begun.elapsed();
        }
    }

    async fn append(&mut self, group: &[Event]) {
        let types = [Type::INT8, Type::INT8, Type::UUID, Type::INT8, Type::INT8, Type::TEXT];
        let transaction = self.client.transaction().await.unwrap();
        let mut rows =
            std::pin::pin!(BinaryCopyInWriter::new(transaction.copy_in(&self.copied).await.unwrap(), &types));
        for event in group {
            let (device, sequence) =
                (i64::try_from(event.device).unwrap(), i64::try_from(event.sequence).unwrap());
            let (day, time, data) = (day(event), event.time.as_millisecond(), event.data());
            rows.as_mut().write(&[&device, &sequence, &event.id, &day, &time, &data]).await.unwrap();
        }
        rows.finish().await.unwrap();
        transaction.execute(&self.moved, &[]).await.unwrap();
        transaction.execute(&self.emptied, &[]).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// How long that took, after the last round.
    pub(crate) async fn spent(self) -> Duration {
        let log: i64 = self.client.query_one("SELECT count(*) FROM event", &[]).await.unwrap().get(0);
        assert_eq!(u64::try_from(log).unwrap(), self.events.sent().1);
        drop(self.client);
        self.connection.await.unwrap().unwrap();
        self.spent
    }
}
