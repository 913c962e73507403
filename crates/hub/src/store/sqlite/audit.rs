//! The audit log.

use async_trait::async_trait;
use firstlight_tlog::{Checkpoint, Hash, Stored};
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{
    super::{PersonKey, StoreError, audit::Audit, columns::instant},
    SqliteStore,
};
use crate::{
    audit::{Act, By, Entry, Log, Sealed, entry},
    secrets,
};

pub(super) const AUDIT: &str = "
-- One row: what tells this log from any other, the secret half of the key that signs it, and how many records there are.
CREATE TABLE audit_log (
    only INTEGER PRIMARY KEY NOT NULL CHECK (only = 1),
    id   BLOB NOT NULL,
    seed BLOB NOT NULL,
    size INTEGER NOT NULL
) STRICT;
-- What was done. `leaf` is SHA-256(salt || body), and a leaf of the tree.
CREATE TABLE audit (
    seq  INTEGER PRIMARY KEY NOT NULL,
    body TEXT NOT NULL,
    salt BLOB NOT NULL,
    leaf BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is only appended to'); END;
-- Whom records are about: `seal` is SHA-256(salt || name), and what a record has instead. Erasing a person is deleting
-- these rows.
CREATE TABLE audit_name (
    seal   BLOB PRIMARY KEY NOT NULL,
    seq    INTEGER NOT NULL,
    salt   BLOB NOT NULL,
    name   TEXT NOT NULL,
    person INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_name_of_person ON audit_name (person);
CREATE TABLE audit_checkpoint (
    size INTEGER PRIMARY KEY NOT NULL,
    at   INTEGER NOT NULL,
    root BLOB NOT NULL,
    key  BLOB NOT NULL,
    note TEXT NOT NULL
) STRICT;
";

#[async_trait]
impl Audit for SqliteStore {
    async fn note(&self, by: &By, act: &Act) -> Result<(), StoreError> {
        let (by, act) = (by.clone(), act.clone());
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            write(&transaction, &by, &act)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn audit_log(&self) -> Result<Log, StoreError> {
        // All of one moment.
        Self::on(&self.reader, |conn| {
            let transaction = conn.transaction()?;
            read(&transaction)
        })
        .await
    }

    async fn checkpoint(&self, now: Timestamp) -> Result<Checkpoint, StoreError> {
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let log = read(&transaction)?;
            let made = log.sign(now)?;
            if let Some(kept) = log.checkpoints.into_iter().find(|kept| kept.note == made.note) {
                return Ok(kept);
            }
            transaction.execute(
                "INSERT OR REPLACE INTO audit_checkpoint (size, at, root, key, note) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![made.size, now.as_millisecond(), made.root, made.key, made.note],
            )?;
            transaction.commit()?;
            Ok(made)
        })
        .await
    }
}

/// What a hub's log begins with.
pub(super) fn prepare(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let id = uuid::Builder::from_random_bytes(secrets::random()?).into_uuid();
    transaction.execute(
        "INSERT OR IGNORE INTO audit_log (only, id, seed, size) VALUES (1, ?1, ?2, 0)",
        params![id.as_bytes(), secrets::random::<32>()?],
    )?;
    Ok(())
}

/// Writes an act down, as part of it.
pub(super) fn write(transaction: &Transaction<'_>, by: &By, act: &Act) -> Result<(), StoreError> {
    let seq = transaction
        .query_row("UPDATE audit_log SET size = size + 1 RETURNING size", [], |row| row.get::<_, u64>(0))?;
    let Entry { body, salt, leaf, names } = entry(seq, by, act)?;
    transaction.execute(
        "INSERT INTO audit (seq, body, salt, leaf) VALUES (?1, ?2, ?3, ?4)",
        params![seq, body, salt, leaf],
    )?;
    for Sealed { seq, seal, salt, name, person } in names {
        transaction.execute(
            "INSERT INTO audit_name (seal, seq, salt, name, person) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![seal, seq, salt, name, person.0],
        )?;
    }
    Ok(())
}

fn read(conn: &Connection) -> Result<Log, StoreError> {
    let bytes = |row: &rusqlite::Row<'_>, index: usize| -> rusqlite::Result<Vec<u8>> {
        Ok(row.get_ref(index)?.as_bytes_or_null()?.unwrap_or_default().to_vec())
    };
    let (id, seed): ([u8; 16], Hash) =
        conn.query_row("SELECT id, seed FROM audit_log", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut log = Log {
        id: Uuid::from_bytes(id),
        seed,
        stored: Vec::new(),
        names: Vec::new(),
        checkpoints: Vec::new(),
    };
    let mut statement = conn.prepare_cached("SELECT seq, body, salt, leaf FROM audit ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (body, salt) = (Some(bytes(row, 1)?), Some(bytes(row, 2)?));
        log.stored.push(Stored { seq: row.get(0)?, body, salt, leaf: bytes(row, 3)? });
    }
    let mut statement =
        conn.prepare_cached("SELECT seq, seal, salt, name, person FROM audit_name ORDER BY seq, seal")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        log.names.push(Sealed {
            seq: row.get(0)?,
            seal: bytes(row, 1)?,
            salt: bytes(row, 2)?,
            name: String::from_utf8_lossy(&bytes(row, 3)?).into_owned(),
            person: PersonKey(row.get(4)?),
        });
    }
    let mut statement =
        conn.prepare_cached("SELECT size, at, root, key, note FROM audit_checkpoint ORDER BY size")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        log.checkpoints.push(Checkpoint {
            size: row.get(0)?,
            at: instant(row.get(1)?)?,
            root: row.get(2)?,
            key: row.get(3)?,
            note: row.get(4)?,
        });
    }
    Ok(log)
}
