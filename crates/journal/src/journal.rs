//! The journal at work: append, read, export.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use firstlight_domain::{
    event::{Event, Happened},
    plan::hex,
};
use jiff::Timestamp;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use serde_json::{Value, json};

use crate::{
    JournalError,
    outbox::{self, Context, OutboxRow},
    record::{self, Hash},
};

/// An open journal. Not shared between threads; calls block on the disk.
#[derive(Debug)]
pub struct Journal {
    pub(crate) conn: Connection,
    pub(crate) path: PathBuf,
    pub(crate) device: String,
    pub(crate) context: Context,
}

/// A record as it is stored.
pub(crate) struct Stored {
    pub(crate) seq: u64,
    /// None once erased.
    pub(crate) content: Option<(Hash, String)>,
    pub(crate) leaf: Hash,
}

impl Stored {
    pub(crate) const SELECT: &'static str = "SELECT seq, body, salt, leaf FROM record";

    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (body, salt): (Option<String>, Option<Hash>) = (row.get(1)?, row.get(2)?);
        Ok(Self { seq: row.get(0)?, content: salt.zip(body), leaf: row.get(3)? })
    }

    /// Whether the text is the one committed to, at its place; erased text is not missed.
    pub(crate) fn holds(&self) -> bool {
        self.content.as_ref().is_none_or(|(salt, body)| {
            record::commitment(salt, body) == self.leaf && record::place(body) == Some(self.seq)
        })
    }
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
        read_from(&self.conn, &self.path, 0)?
            .into_iter()
            .filter_map(|stored| stored.content.map(|(_, body)| record::read(stored.seq, &body)))
            .collect()
    }

    /// The id of this device in events and checkpoints (a random UUID).
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Outbox rows that have not left this machine, oldest first. Only those with `consented` ever may.
    pub fn queued(&self) -> Result<Vec<OutboxRow>, JournalError> {
        outbox::rows(&self.conn, &self.path, false)
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
        for Stored { seq, content, leaf } in read_from(&self.conn, &self.path, 0)? {
            let (salt, body) = content.map(|(salt, body)| (hex(&salt), body)).unzip();
            let parsed: Value =
                body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
            line(&json!({
                "type": "record", "seq": seq, "at": parsed["at"], "event": parsed["event"],
                "salt": salt, "leaf": hex(&leaf), "body": body,
            }))?;
        }
        for anchor in crate::anchor::all(&self.conn, &self.path)? {
            line(&json!({
                "type": "checkpoint", "size": anchor.size, "root": hex(&anchor.root), "key": hex(&anchor.key),
                "note": anchor.note,
            }))?;
        }
        Ok(())
    }
}

/// The records after `seq`, in order.
pub(crate) fn read_from(conn: &Connection, path: &Path, seq: u64) -> Result<Vec<Stored>, JournalError> {
    let read = || {
        conn.prepare_cached(&format!("{} WHERE seq > ?1 ORDER BY seq", Stored::SELECT))?
            .query_map([seq], Stored::from_row)?
            .collect::<rusqlite::Result<Vec<Stored>>>()
    };
    read().map_err(|error| JournalError::sqlite(path, &error))
}

/// Takes in what another handle appended since.
fn catch_up(conn: &Connection, path: &Path, context: &mut Context) -> Result<(), JournalError> {
    for stored in read_from(conn, path, context.seen)? {
        if let Some((_, body)) = &stored.content {
            context.apply(&record::read(stored.seq, body)?);
        }
        context.seen = stored.seq;
    }
    Ok(())
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
    let leaf = record::commitment(&salt, &body);
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
