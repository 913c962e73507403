//! Events waiting for delivery: CloudEvents 1.0, derived from the journal in the same transaction, of registered
//! properties only. Nothing here sends anything.

mod derive;

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};
use serde_json::{Map, Value, json};

pub(crate) use derive::{Context, Outgoing, derive};

use crate::{JournalError, record};

/// One event of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its number on this device, from 1 without gaps: the order of events, whatever the clock says.
    pub sequence: u64,
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
    /// When it left; none so far.
    pub sent_at: Option<Timestamp>,
}

/// Only what the registry lets leave.
fn body(id: &str, sequence: u64, device: &str, at: Timestamp, outgoing: Outgoing) -> String {
    let data: Map<String, Value> = outgoing
        .data
        .into_iter()
        .filter(|(property, _)| property.may_leave())
        .map(|(property, value)| (property.registered().name.to_owned(), value))
        .collect();
    // `sequence` is text that sorts as the numbers do, as the CloudEvents extension of that name asks.
    json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("urn:uuid:{device}"),
        "type": outgoing.kind.name(),
        "time": at,
        "recordedtime": at,
        "sequence": format!("{sequence:016}"),
        "datacontenttype": "application/json",
        "data": data,
    })
    .to_string()
}

/// Numbers an event and puts it into the outbox.
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
    let kind = outgoing.kind.name();
    let insert = || {
        let sequence: u64 = transaction
            .prepare_cached("SELECT coalesce(max(sequence), 0) + 1 FROM outbox")?
            .query_row([], |row| row.get(0))?;
        let body = body(&id, sequence, device, at, outgoing);
        let time = at.to_string();
        let sum = sum(sequence, &id, kind, &time, consented, &body, None);
        transaction
            .prepare_cached(
                "INSERT INTO outbox (sequence, record, id, kind, time, consented, body, sum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![sequence, record, id, kind, time, consented, body, sum])
    };
    insert().map_err(|error| JournalError::sqlite(path, &error))?;
    Ok(())
}

fn sum(
    sequence: u64,
    id: &str,
    kind: &str,
    time: &str,
    consented: bool,
    body: &str,
    sent_at: Option<&str>,
) -> record::Hash {
    let sequence = sequence.to_be_bytes();
    let sent_at = sent_at.unwrap_or_default();
    record::sum(&[
        &sequence,
        id.as_bytes(),
        kind.as_bytes(),
        time.as_bytes(),
        &[u8::from(consented)],
        body.as_bytes(),
        sent_at.as_bytes(),
    ])
}

/// Rows that have left, or not.
pub(crate) fn rows(conn: &Connection, path: &Path, sent: bool) -> Result<Vec<OutboxRow>, JournalError> {
    let mut rows = Vec::new();
    walk(conn, path, "WHERE (sent_at IS NOT NULL) = ?1", sent, |row| rows.push(row))?;
    Ok(rows)
}

/// Finds a row that is not as it was written, or missing between two others.
pub(crate) fn check(conn: &Connection, path: &Path) -> Result<(), JournalError> {
    let mut expected = 1;
    let mut gap = None;
    walk(conn, path, "WHERE ?1", true, |row| {
        if row.sequence != expected {
            gap.get_or_insert(expected);
        }
        expected = row.sequence + 1;
    })?;
    match gap {
        Some(missing) => Err(JournalError::Damaged {
            path: path.to_owned(),
            reason: format!("event {missing} of the outbox is missing"),
        }),
        None => Ok(()),
    }
}

/// Reads rows in order; one that does not fit its sum is damage.
fn walk(
    conn: &Connection,
    path: &Path,
    filter: &str,
    value: bool,
    mut take: impl FnMut(OutboxRow),
) -> Result<(), JournalError> {
    let fail = |error| JournalError::sqlite(path, &error);
    let sql = format!(
        "SELECT sequence, id, kind, time, consented, body, sent_at, sum FROM outbox {filter} ORDER BY sequence"
    );
    let mut statement = conn.prepare_cached(&sql).map_err(fail)?;
    let mut found = statement.query([value]).map_err(fail)?;
    while let Some(row) = found.next().map_err(fail)? {
        let sequence: u64 = row.get(0).map_err(fail)?;
        let (id, kind): (String, String) = (row.get(1).map_err(fail)?, row.get(2).map_err(fail)?);
        let (time, consented): (String, bool) = (row.get(3).map_err(fail)?, row.get(4).map_err(fail)?);
        let (body, sent_at): (String, Option<String>) =
            (row.get(5).map_err(fail)?, row.get(6).map_err(fail)?);
        let stored: record::Hash = row.get(7).map_err(fail)?;
        let damaged = || JournalError::Damaged {
            path: path.to_owned(),
            reason: format!("event {sequence} of the outbox is not what was written"),
        };
        if sum(sequence, &id, &kind, &time, consented, &body, sent_at.as_deref()) != stored {
            return Err(damaged());
        }
        let time: Timestamp = time.parse().map_err(|_| damaged())?;
        let sent_at = sent_at.map(|at| at.parse()).transpose().map_err(|_| damaged())?;
        take(OutboxRow { sequence, id, kind, time, consented, body, sent_at });
    }
    Ok(())
}
