//! What is handed to whoever delivers, and what became of it.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, ffi};
use serde_json::{Map, Value};

use super::{OutboxRow, Row, not_as_written, read, walk};
use crate::{JournalError, record, schema};

/// The number after which the next one comes, in `meta`: how far the hub has got, as it said last. [`UNKNOWN`] after a
/// copy took the place of the file.
const AFTER: &str = "numbered_after";
const UNKNOWN: &str = "unknown";

/// An event that a hub has settled: it will not be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its number.
    pub sequence: u64,
    /// Why the hub did not want it, if so.
    pub refused: Option<String>,
}

/// The number of the next event; none while nobody knows.
pub(super) fn next_number(conn: &Connection, path: &Path) -> Result<Option<u64>, JournalError> {
    let after = match schema::meta(conn, path, AFTER)?.as_deref() {
        Some(UNKNOWN) => return Ok(None),
        Some(after) => after.parse().map_err(|_| JournalError::Damaged {
            path: path.to_owned(),
            reason: format!("`{AFTER}` is no number"),
        })?,
        None => 0,
    };
    Ok(Some(highest(conn, path)?.max(after) + 1))
}

fn highest(conn: &Connection, path: &Path) -> Result<u64, JournalError> {
    conn.prepare_cached("SELECT coalesce(max(sequence), 0) FROM outbox")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(|error| JournalError::sqlite(path, &error))
}

/// From now on nobody knows which numbers were used.
pub(crate) fn forget_numbering(conn: &Connection, path: &Path) -> Result<(), JournalError> {
    schema::set_meta(conn, AFTER, UNKNOWN).map_err(|error| JournalError::sqlite(path, &error))
}

/// Goes on with the numbers after `settled`, and numbers what has none yet.
pub(crate) fn go_on_after(conn: &mut Connection, path: &Path, settled: u64) -> Result<(), JournalError> {
    let fail = |error| JournalError::sqlite(path, &error);
    let known = schema::meta(conn, path, AFTER)?;
    if known.as_deref() != Some(UNKNOWN) && settled <= highest(conn, path)? {
        return Ok(());
    }
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    schema::set_meta(&transaction, AFTER, &settled.to_string()).map_err(fail)?;
    let mut waiting = Vec::new();
    walk(&transaction, path, "WHERE consented AND sequence IS NULL", |row| {
        waiting.push(row);
        Ok(())
    })?;
    for mut row in waiting {
        row.sequence = next_number(&transaction, path)?;
        row.update(&transaction).map_err(fail)?;
    }
    transaction.commit().map_err(fail)
}

/// What may leave and has not, oldest first: as many as fit `most` events and `bytes` of text, but one at least.
pub(crate) fn deliverable(
    conn: &Connection,
    path: &Path,
    most: usize,
    bytes: usize,
) -> Result<Vec<OutboxRow>, JournalError> {
    let mut rows = Vec::new();
    let mut total = 0;
    // A row out of place would have to be read to be found; `LIMIT` keeps a long outbox out of memory.
    let filter = format!(
        "WHERE place IN (SELECT place FROM outbox WHERE sent_at IS NULL AND sequence IS NOT NULL
                         ORDER BY sequence LIMIT {most})"
    );
    walk(conn, path, &filter, |row| {
        total += row.body.len();
        if rows.is_empty() || total <= bytes {
            rows.push(read(row, path)?);
        }
        Ok(())
    })?;
    Ok(rows)
}

/// Whether anything waits that may leave; what has no number yet waits for the hub's word.
pub(crate) fn has_queued(conn: &Connection, path: &Path) -> Result<bool, JournalError> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE sent_at IS NULL AND consented)")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(|error| JournalError::sqlite(path, &error))
}

/// When anything left last.
pub(crate) fn last_sent(conn: &Connection, path: &Path) -> Result<Option<Timestamp>, JournalError> {
    let at: Option<String> = conn
        .prepare_cached("SELECT sent_at FROM outbox WHERE sent_at IS NOT NULL ORDER BY place DESC LIMIT 1")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .map_err(|error| JournalError::sqlite(path, &error))?;
    at.map(|at| at.parse()).transpose().map_err(|_| JournalError::Damaged {
        path: path.to_owned(),
        reason: "an event of the outbox has no time".to_owned(),
    })
}

/// Writes down what a hub has settled, in one transaction.
pub(crate) fn settle(
    conn: &mut Connection,
    path: &Path,
    at: Timestamp,
    settled: &[Settled],
) -> Result<(), JournalError> {
    let fail = |error| JournalError::sqlite(path, &error);
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    for Settled { sequence, refused } in settled {
        let sql = format!("SELECT {} FROM outbox WHERE sequence = ?1", Row::COLUMNS);
        let (mut row, stored) = transaction
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([sequence], Row::read))
            .map_err(fail)?;
        if row.sum() != stored {
            return Err(not_as_written(path, row.place));
        }
        row.sent_at = Some(at.to_string());
        row.refused.clone_from(refused);
        row.update(&transaction).map_err(fail)?;
    }
    transaction.commit().map_err(fail)
}

/// From format 1, in which what was held back had a number too. Nothing could be sent then, so numbers begin anew.
pub(crate) fn number_anew(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare(
        "SELECT sequence, record, id, kind, time, consented, body, sum FROM outbox_before ORDER BY sequence",
    )?;
    let mut rows = statement.query([])?;
    let mut number = 0;
    while let Some(old) = rows.next()? {
        let (place, record): (u64, u64) = (old.get(0)?, old.get(1)?);
        let body: String = old.get(6)?;
        let mut row = Row {
            place,
            sequence: None,
            id: old.get(2)?,
            kind: old.get(3)?,
            time: old.get(4)?,
            consented: old.get(5)?,
            body: String::new(),
            sent_at: None,
            refused: None,
        };
        let stored: firstlight_tlog::Hash = old.get(7)?;
        let whole = record::sum(&[
            &place.to_be_bytes(),
            row.id.as_bytes(),
            row.kind.as_bytes(),
            row.time.as_bytes(),
            &[u8::from(row.consented)],
            body.as_bytes(),
            b"",
        ]);
        let event = serde_json::from_str::<Map<String, Value>>(&body).ok().filter(|_| whole == stored);
        let Some(mut event) = event else {
            let reason = format!("event {place} of the outbox is not what was written");
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(reason)));
        };
        event.remove("sequence");
        row.body = Value::Object(event).to_string();
        if row.consented {
            number += 1;
            row.sequence = Some(number);
        }
        row.insert(transaction, record)?;
    }
    drop(rows);
    drop(statement);
    transaction.execute_batch("DROP TABLE outbox_before")
}

#[cfg(test)]
mod tests {
    use firstlight_domain::event::Event;

    use super::*;
    use crate::{Journal, outbox::numbered};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A file of format 1 with three events, the second of which was consented to; `spoilt` changes the third.
    fn of_format_one(path: &Path, spoilt: bool) {
        let mut conn = Connection::open(path).unwrap();
        schema::upgrade(&mut conn, path, &schema::steps()[..1]).unwrap();
        schema::set_meta(&conn, "device", &uuid::Uuid::nil().to_string()).unwrap();
        for (sequence, on) in (1_u64..).zip([false, true, false]) {
            let text = record::write(sequence, at(0), &Event::SharingChanged { on }).unwrap();
            let salt = record::salt().unwrap();
            let leaf = firstlight_tlog::commitment(&salt, text.as_bytes());
            conn.execute("INSERT INTO record VALUES (?1, ?2, ?3, ?4)", (sequence, text, salt, leaf)).unwrap();
            let body = format!("{{\"id\":\"{sequence}\",\"sequence\":\"{sequence:016}\"}}");
            let (id, kind, time) =
                (sequence.to_string(), "dev.firstlight.sharing.changed", at(0).to_string());
            let parts: [&[u8]; 7] = [
                &sequence.to_be_bytes(),
                id.as_bytes(),
                kind.as_bytes(),
                time.as_bytes(),
                &[u8::from(on)],
                body.as_bytes(),
                b"",
            ];
            let sum = record::sum(&parts);
            let body = if spoilt && sequence == 3 { body.replace('3', "4") } else { body };
            let values = (sequence, sequence, id, kind, time, on, body, sum);
            conn.execute("INSERT INTO outbox VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8)", values).unwrap();
        }
    }

    #[test]
    fn f4_only_what_may_leave_keeps_a_number_when_an_older_file_is_brought_up_to_date() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal.sqlite");
        of_format_one(&path, false);
        let bytes = std::fs::read(&path).unwrap();
        let read = Journal::open_to_read(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "reading changes nothing");
        let opened = Journal::open::<Vec<_>>(&path, at(0)).unwrap();
        assert_eq!(opened.restored, None);
        for journal in [&read, &opened.journal] {
            let rows = journal.queued().unwrap();
            assert!(rows.iter().map(|row| (row.place, row.sequence)).eq([
                (1, None),
                (2, Some(1)),
                (3, None)
            ]));
            let number = |body: &str| serde_json::from_str::<Value>(body).unwrap()["sequence"].clone();
            assert_eq!(number(&rows[1].body), "0000000000000001");
            assert!(number(&rows[0].body).is_null());
        }
        drop(opened);
        assert_eq!(Journal::open::<Vec<_>>(&path, at(0)).unwrap().journal.queued().unwrap().len(), 3);
        let copied = Journal::open_to_read(&home.path().join("journal.last-good.sqlite")).unwrap();
        assert_eq!(copied.queued().unwrap().len(), 3, "the last good copy is of the same format");
    }

    #[test]
    fn f4_an_older_file_that_was_damaged_is_not_brought_up_to_date() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal.sqlite");
        of_format_one(&path, true);
        let error = Journal::open::<Vec<_>>(&path, at(0)).unwrap_err();
        assert!(
            matches!(&error, JournalError::Damaged { reason, .. } if reason.contains("event 3")),
            "{error:?}"
        );
    }

    #[test]
    fn an_older_copy_takes_the_place_of_a_damaged_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal.sqlite");
        of_format_one(&home.path().join("journal.last-good.sqlite"), false);
        std::fs::write(&path, [0; 4_096]).unwrap();
        let opened = Journal::open::<Vec<_>>(&path, at(0)).unwrap();
        assert!(opened.restored.is_some());
        assert_eq!(opened.journal.queued().unwrap().len(), 3);
    }

    #[test]
    fn a_number_is_the_first_thing_of_an_event_that_has_one() {
        assert_eq!(numbered(r#"{"id":"a"}"#, Some(7)), r#"{"sequence":"0000000000000007","id":"a"}"#);
        assert_eq!(numbered(r#"{"id":"a"}"#, None), r#"{"id":"a"}"#);
    }
}
