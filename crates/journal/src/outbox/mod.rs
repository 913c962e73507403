//! Events waiting for delivery: CloudEvents 1.0, derived from the journal in the same transaction, of registered
//! properties only. Nothing here sends anything.
//!
//! Every event has a place; only one that may leave has a number, because a hub takes a number that is missing for an
//! event that was lost. Numbers are given when events happen, so that a copy of the file that takes the place of a damaged
//! one has the same numbers. What the copy does not know of has used numbers as well, though: after that events stay without
//! one until the hub has said how far it got ([`Journal::go_on_after`](crate::Journal::go_on_after)).

mod delivery;
mod derive;

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};
use serde_json::{Map, Value, json};

pub use delivery::Settled;
pub(crate) use delivery::{
    deliverable, forget_numbering, go_on_after, has_queued, last_sent, number_anew, settle,
};
pub(crate) use derive::{Context, Outgoing, derive};

use crate::{JournalError, record};

/// One event of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its place among the events of this device, from 1 without gaps: their order, whatever the clock says.
    pub place: u64,
    /// Its number among those that may leave, from 1; none while it is held back, or not numbered yet.
    pub sequence: Option<u64>,
    /// Its id (`UUIDv7`).
    pub id: String,
    /// Its CloudEvents `type`, for example `dev.firstlight.step.changed`.
    pub kind: String,
    /// When it happened, by this machine's clock.
    pub time: Timestamp,
    /// Whether sharing was on when it happened. What was not consented to never leaves.
    pub consented: bool,
    /// Every byte that would leave: CloudEvents 1.0 JSON.
    pub body: String,
    /// When a hub settled it; none so far.
    pub sent_at: Option<Timestamp>,
    /// Why that hub did not want it, if so.
    pub refused: Option<String>,
}

/// Only what the registry lets leave.
fn body(id: &str, device: &str, at: Timestamp, outgoing: Outgoing) -> String {
    let data: Map<String, Value> = outgoing
        .data
        .into_iter()
        .filter(|(property, _)| property.may_leave())
        .map(|(property, value)| (property.registered().name.to_owned(), value))
        .collect();
    json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("urn:uuid:{device}"),
        "type": outgoing.kind.name(),
        "time": at,
        "recordedtime": at,
        "datacontenttype": "application/json",
        "data": data,
    })
    .to_string()
}

/// The event with its number: text that sorts as the numbers do, as the CloudEvents extension of that name asks.
fn numbered(body: &str, sequence: Option<u64>) -> String {
    match (sequence, body.strip_prefix('{')) {
        (Some(sequence), Some(rest)) => format!("{{\"sequence\":\"{sequence:016}\",{rest}"),
        _ => body.to_owned(),
    }
}

/// Puts an event into the outbox, and numbers it if it may leave.
pub(crate) fn enqueue(
    transaction: &Transaction<'_>,
    path: &Path,
    device: &str,
    record: u64,
    at: Timestamp,
    consented: bool,
    outgoing: Outgoing,
) -> Result<(), JournalError> {
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0);
    let id =
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &record::random()?).into_uuid().to_string();
    let kind = outgoing.kind.name().to_owned();
    let body = body(&id, device, at, outgoing);
    let sequence = if consented { delivery::next_number(transaction, path)? } else { None };
    let insert = || {
        let place = transaction
            .prepare_cached("SELECT coalesce(max(place), 0) + 1 FROM outbox")?
            .query_row([], |row| row.get(0))?;
        let row = Row {
            place,
            sequence,
            id,
            kind,
            time: at.to_string(),
            consented,
            body,
            sent_at: None,
            refused: None,
        };
        row.insert(transaction, record)
    };
    insert().map_err(|error| JournalError::sqlite(path, &error))
}

/// A row as it is stored.
struct Row {
    place: u64,
    sequence: Option<u64>,
    id: String,
    kind: String,
    time: String,
    consented: bool,
    body: String,
    sent_at: Option<String>,
    refused: Option<String>,
}

impl Row {
    const COLUMNS: &str = "place, sequence, id, kind, time, consented, body, sent_at, refused, sum";

    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Self, firstlight_tlog::Hash)> {
        let read = Self {
            place: row.get(0)?,
            sequence: row.get(1)?,
            id: row.get(2)?,
            kind: row.get(3)?,
            time: row.get(4)?,
            consented: row.get(5)?,
            body: row.get(6)?,
            sent_at: row.get(7)?,
            refused: row.get(8)?,
        };
        Ok((read, row.get(9)?))
    }

    fn sum(&self) -> firstlight_tlog::Hash {
        record::sum(&[
            &self.place.to_be_bytes(),
            &self.sequence.unwrap_or_default().to_be_bytes(),
            self.id.as_bytes(),
            self.kind.as_bytes(),
            self.time.as_bytes(),
            &[u8::from(self.consented)],
            self.body.as_bytes(),
            self.sent_at.as_deref().unwrap_or_default().as_bytes(),
            self.refused.as_deref().unwrap_or_default().as_bytes(),
        ])
    }

    fn insert(&self, transaction: &Transaction<'_>, record: u64) -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "INSERT INTO outbox (place, record, sequence, id, kind, time, consented, body, sent_at, refused, sum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                self.place,
                record,
                self.sequence,
                self.id,
                self.kind,
                self.time,
                self.consented,
                self.body,
                self.sent_at,
                self.refused,
                self.sum()
            ])?;
        Ok(())
    }

    /// Writes down its number and what became of it.
    fn update(&self, conn: &Connection) -> rusqlite::Result<()> {
        conn.prepare_cached(
            "UPDATE outbox SET sequence = ?2, sent_at = ?3, refused = ?4, sum = ?5 WHERE place = ?1",
        )?
        .execute(params![self.place, self.sequence, self.sent_at, self.refused, self.sum()])?;
        Ok(())
    }
}

/// Rows that a hub has settled, or not.
pub(crate) fn rows(conn: &Connection, path: &Path, sent: bool) -> Result<Vec<OutboxRow>, JournalError> {
    let mut rows = Vec::new();
    let filter = if sent { "WHERE sent_at IS NOT NULL" } else { "WHERE sent_at IS NULL" };
    walk(conn, path, filter, |row| {
        rows.push(read(row, path)?);
        Ok(())
    })?;
    Ok(rows)
}

/// Finds a row that is not as it was written, or missing between two others.
pub(crate) fn check(conn: &Connection, path: &Path) -> Result<(), JournalError> {
    let damaged = |reason: String| Err(JournalError::Damaged { path: path.to_owned(), reason });
    let (mut place, mut number) = (0, 0);
    walk(conn, path, "", |row| {
        place += 1;
        if row.place != place {
            return damaged(format!("event {place} of the outbox is missing"));
        }
        let Some(sequence) = row.sequence else { return Ok(()) };
        if sequence <= number || !row.consented {
            return damaged(format!("event {place} of the outbox has a number that is not its own"));
        }
        number = sequence;
        Ok(())
    })
}

/// Reads rows in order; one that does not fit its sum is damage.
fn walk(
    conn: &Connection,
    path: &Path,
    filter: &str,
    mut take: impl FnMut(Row) -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    let fail = |error| JournalError::sqlite(path, &error);
    let sql = format!("SELECT {} FROM outbox {filter} ORDER BY place", Row::COLUMNS);
    let mut statement = conn.prepare_cached(&sql).map_err(fail)?;
    let mut found = statement.query([]).map_err(fail)?;
    while let Some(row) = found.next().map_err(fail)? {
        let (row, stored) = Row::read(row).map_err(fail)?;
        if row.sum() != stored {
            return Err(not_as_written(path, row.place));
        }
        take(row)?;
    }
    Ok(())
}

fn read(row: Row, path: &Path) -> Result<OutboxRow, JournalError> {
    let damaged = || not_as_written(path, row.place);
    let time: Timestamp = row.time.parse().map_err(|_| damaged())?;
    let sent_at = row.sent_at.as_ref().map(|at| at.parse()).transpose().map_err(|_| damaged())?;
    Ok(OutboxRow {
        place: row.place,
        sequence: row.sequence,
        body: numbered(&row.body, row.sequence),
        id: row.id,
        kind: row.kind,
        time,
        consented: row.consented,
        sent_at,
        refused: row.refused,
    })
}

fn not_as_written(path: &Path, place: u64) -> JournalError {
    JournalError::Damaged {
        path: path.to_owned(),
        reason: format!("event {place} of the outbox is not what was written"),
    }
}
