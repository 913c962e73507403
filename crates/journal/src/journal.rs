//! The journal at work: append, read, export.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use firstlight_domain::{
    event::{Event, Happened},
    plan::hex,
};
use firstlight_tlog::{Stored, commitment};
use jiff::Timestamp;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use serde_json::{Value, json};

use crate::{
    JournalError,
    outbox::{self, Context, OutboxRow, Settled},
    record,
};

/// An open journal. Not shared between threads; calls block on the disk.
#[derive(Debug)]
pub struct Journal {
    pub(crate) conn: Connection,
    pub(crate) path: PathBuf,
    pub(crate) device: String,
    pub(crate) context: Context,
}

impl Journal {
    /// Appends events that happened at `at`, and the outbox rows they cause, in one transaction. When it returns, they
    /// are on the disk; on an error none of them is, and the journal goes on being usable.
    pub fn append(&mut self, at: Timestamp, events: &[Event]) -> Result<Vec<Happened>, JournalError> {
        let fail = |path: &Path, error| JournalError::sqlite(path, &error);
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| fail(&self.path, error))?;
        let mut context = self.context.clone();
        catch_up(&transaction, &self.path, &mut context)?;
        for event in events {
            append_one(&transaction, &self.path, &self.device, &mut context, at, event)?;
        }
        transaction.commit().map_err(|error| fail(&self.path, error))?;
        self.context = context;
        Ok(events.iter().map(|event| Happened { at, event: event.clone() }).collect())
    }

    /// Everything that happened, oldest first; what was erased is left out.
    pub fn events(&self) -> Result<Vec<Happened>, JournalError> {
        let mut events = Vec::new();
        self.read_into(&mut events)?;
        Ok(events)
    }

    /// Hands over everything that happened, oldest first and one at a time; what was erased is left out.
    pub fn read_into(&self, history: &mut impl Extend<Happened>) -> Result<(), JournalError> {
        each(&self.conn, &self.path, 0, |stored| {
            if let Some(body) = &stored.body {
                history.extend([record::read(stored.seq, body)?]);
            }
            Ok(())
        })
    }

    /// The id of this device in events and checkpoints (a random UUID).
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Outbox rows that have not left this machine, oldest first. Only those with `consented` ever may.
    pub fn queued(&self) -> Result<Vec<OutboxRow>, JournalError> {
        outbox::rows(&self.conn, &self.path, false)
    }

    /// What may leave and has not, oldest first: as many as fit `most` events and `bytes` of text, but one at least.
    pub fn deliverable(&self, most: usize, bytes: usize) -> Result<Vec<OutboxRow>, JournalError> {
        outbox::deliverable(&self.conn, &self.path, most, bytes)
    }

    /// Writes down what a hub has settled at `at`: that is not sent again.
    pub fn settle(&mut self, at: Timestamp, settled: &[Settled]) -> Result<(), JournalError> {
        outbox::settle(&mut self.conn, &self.path, at, settled)
    }

    /// Takes into account that a hub has settled events up to the number `settled`. Usually it changes nothing; after a
    /// copy took the place of a damaged journal, numbering goes on from there.
    pub fn go_on_after(&mut self, settled: u64) -> Result<(), JournalError> {
        outbox::go_on_after(&mut self.conn, &self.path, settled)
    }

    /// Whether anything waits that may leave.
    pub fn has_queued(&self) -> Result<bool, JournalError> {
        outbox::has_queued(&self.conn, &self.path)
    }

    /// When anything left this machine last.
    pub fn last_sent(&self) -> Result<Option<Timestamp>, JournalError> {
        outbox::last_sent(&self.conn, &self.path)
    }

    /// Outbox rows that have left this machine, oldest first.
    pub fn sent(&self) -> Result<Vec<OutboxRow>, JournalError> {
        outbox::rows(&self.conn, &self.path, true)
    }

    /// Writes everything needed to verify the journal elsewhere, one JSON object a line: the device, then each record
    /// (`seq at event salt leaf` and `body`, the exact text that SHA-256(salt || body) = leaf covers; all but `seq` and
    /// `leaf` are null once erased), then each checkpoint (`size root key note`). Hashes are lower-case hexadecimal.
    pub fn export(&self, out: &mut dyn Write) -> Result<(), JournalError> {
        let mut line = |value: &Value| {
            writeln!(out, "{value}")
                .map_err(|error| JournalError::Io { path: "the export".into(), cause: error.to_string() })
        };
        line(&json!({ "type": "journal", "version": 1, "device": self.device }))?;
        each(&self.conn, &self.path, 0, |Stored { seq, body, salt, leaf }| {
            // What is no longer JSON is exported as it is: the export proves, it does not judge.
            let parsed: Value =
                body.as_deref().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
            line(&json!({
                "type": "record", "seq": seq, "at": parsed["at"], "event": parsed["event"],
                "salt": salt.as_deref().map(hex), "leaf": hex(&leaf),
                "body": body.as_deref().map(String::from_utf8_lossy),
            }))
        })?;
        for anchor in crate::anchor::all(&self.conn, &self.path)? {
            line(&json!({
                "type": "checkpoint", "size": anchor.size, "root": hex(&anchor.root), "key": hex(&anchor.key),
                "note": anchor.note,
            }))?;
        }
        Ok(())
    }
}

/// Hands over the records after `seq`, in order and one at a time: a long journal is never in memory as a whole.
pub(crate) fn each(
    conn: &Connection,
    path: &Path,
    seq: u64,
    mut take: impl FnMut(Stored) -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    let fail = |error| JournalError::sqlite(path, &error);
    let mut statement = conn
        .prepare_cached("SELECT seq, body, salt, leaf FROM record WHERE seq > ?1 ORDER BY seq")
        .map_err(fail)?;
    let mut rows = statement.query([seq]).map_err(fail)?;
    while let Some(row) = rows.next().map_err(fail)? {
        take(stored(row).map_err(fail)?)?;
    }
    Ok(())
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let bytes = |index: usize| -> rusqlite::Result<Option<Vec<u8>>> {
        Ok(row.get_ref(index)?.as_bytes_or_null()?.map(<[u8]>::to_vec))
    };
    Ok(Stored { seq: row.get(0)?, body: bytes(1)?, salt: bytes(2)?, leaf: bytes(3)?.unwrap_or_default() })
}

/// Takes in what another handle appended since.
fn catch_up(conn: &Connection, path: &Path, context: &mut Context) -> Result<(), JournalError> {
    each(conn, path, context.seen, |stored| {
        if let Some(body) = &stored.body {
            context.apply(&record::read(stored.seq, body)?);
        }
        context.seen = stored.seq;
        Ok(())
    })
}

fn append_one(
    transaction: &Transaction<'_>,
    path: &Path,
    device: &str,
    context: &mut Context,
    at: Timestamp,
    event: &Event,
) -> Result<(), JournalError> {
    let seq = context.seen + 1;
    let body = record::write(seq, at, event)?;
    let salt = record::salt()?;
    let leaf = commitment(&salt, body.as_bytes());
    transaction
        .prepare_cached("INSERT INTO record (seq, body, salt, leaf) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut insert| insert.execute(params![seq, body, salt, leaf]))
        .map_err(|error| JournalError::sqlite(path, &error))?;
    let outgoing = outbox::derive(context, at, event);
    context.apply(&Happened { at, event: event.clone() });
    context.seen = seq;
    if let Some(outgoing) = outgoing {
        outbox::enqueue(transaction, path, device, seq, at, context.sharing, outgoing)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// About 9 kB of JSON.
    fn big() -> Event {
        Event::CredentialTested {
            name: firstlight_domain::id::CredentialName::new("token").unwrap(),
            ok: false,
            reason: Some("no ".repeat(3_000)),
        }
    }

    #[test]
    fn f1_every_commit_is_on_the_disk_before_it_is_acknowledged() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open::<Vec<_>>(&home.path().join("journal.sqlite"), at(0)).unwrap().journal;
        // 2 is FULL.
        for (pragma, value) in [("synchronous", 2), ("fullfsync", 1), ("checkpoint_fullfsync", 1)] {
            let said: i64 = journal.conn.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
            assert_eq!(said, value, "{pragma}");
        }
    }

    #[test]
    fn f3_no_room_is_said_nothing_is_half_written_and_it_goes_on_when_there_is_room() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal.sqlite");
        let mut journal = Journal::open::<Vec<_>>(&path, at(0)).unwrap().journal;
        let pages: i64 = journal.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let limit = |journal: &Journal, pages: i64| {
            journal.conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        };
        limit(&journal, pages + 10);
        let mut written = 0;
        let error = loop {
            // Two at once: the first would fit when the second does not.
            match journal.append(at(1), &[big(), big()]) {
                Ok(_) => written += 2,
                Err(error) => break error,
            }
            assert!(written < 100, "the limit never held");
        };
        assert!(matches!(&error, JournalError::DiskFull { path: named } if *named == path), "{error:?}");
        assert!(written > 0);
        assert_eq!(journal.events().unwrap().len(), written);
        assert_eq!(journal.queued().unwrap().len(), written);
        limit(&journal, 1_000_000);
        journal.append(at(2), &[big()]).unwrap();
        assert_eq!(journal.events().unwrap().len(), written + 1);
        assert!(journal.verify(None, None).unwrap().ok());
    }

    #[test]
    fn f6_two_handles_number_records_and_events_as_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal.sqlite");
        let mut one = Journal::open::<Vec<_>>(&path, at(0)).unwrap().journal;
        let mut other = Journal::open::<Vec<_>>(&path, at(0)).unwrap().journal;
        for _ in 0..3 {
            one.append(at(1), &[big()]).unwrap();
            other.append(at(1), &[big(), Event::SharingChanged { on: true }]).unwrap();
        }
        let queued = one.queued().unwrap();
        assert!(queued.iter().map(|row| row.place).eq(1..=9));
        assert!(queued.iter().filter_map(|row| row.sequence).eq(1..=7));
        // What the other handle decided counts here.
        assert!(queued.iter().skip(2).all(|row| row.consented) && !queued[0].consented);
        assert!(one.verify(None, None).unwrap().ok());
    }
}
