//! The audit log. The row that numbers records is locked last of all: acts of many hubs come one after the other.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use firstlight_tlog::{Checkpoint, Hash, Stored};
use jiff::Timestamp;
use tokio_postgres::{IsolationLevel, Row};

use super::{
    super::{StoreError, audit::Audit, columns::instant},
    PostgresStore, admission, number,
};
use crate::{
    audit::{Act, By, Entry, Log, Sealed, entry},
    secrets,
};

pub(super) const AUDIT: &str = "
-- One row: what tells this log from any other, the secret half of the key that signs it, and how many records there are.
CREATE TABLE audit_log (
    only_one smallint PRIMARY KEY CHECK (only_one = 1),
    id       uuid NOT NULL,
    seed     bytea NOT NULL,
    size     bigint NOT NULL
);
-- What was done. `leaf` is SHA-256(salt || body), and a leaf of the tree.
CREATE TABLE audit (
    seq  bigint PRIMARY KEY,
    body text NOT NULL,
    salt bytea NOT NULL,
    leaf bytea NOT NULL
);
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only appended to';
END
$$;
CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
-- Whom records are about: `seal` is SHA-256(salt || name), and what a record has instead. Erasing a person is deleting
-- these rows.
CREATE TABLE audit_name (
    seal   bytea PRIMARY KEY,
    seq    bigint NOT NULL,
    salt   bytea NOT NULL,
    name   text NOT NULL,
    person integer NOT NULL
);
CREATE INDEX audit_name_of_person ON audit_name (person);
CREATE TABLE audit_checkpoint (
    size bigint PRIMARY KEY,
    at   bigint NOT NULL,
    root bytea NOT NULL,
    key  bytea NOT NULL,
    note text NOT NULL
);
";

#[async_trait]
impl Audit for PostgresStore {
    async fn note(&self, by: &By, act: &Act) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        write(&transaction, by, act).await?;
        Ok(transaction.commit().await?)
    }

    async fn audit_log(&self) -> Result<Log, StoreError> {
        let mut client = self.client().await?;
        // All of one moment.
        let transaction =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        read(&transaction.start().await?).await
    }

    async fn checkpoint(&self, now: Timestamp) -> Result<Checkpoint, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        // Nothing is appended meanwhile.
        transaction.execute("SELECT FROM audit_log FOR UPDATE", &[]).await?;
        let log = read(&transaction).await?;
        let made = log.sign(now)?;
        if let Some(kept) = log.checkpoints.into_iter().find(|kept| kept.note == made.note) {
            return Ok(kept);
        }
        let kept = "INSERT INTO audit_checkpoint (size, at, root, key, note) VALUES ($1, $2, $3, $4, $5)
                    ON CONFLICT (size) DO UPDATE SET at = $2, root = $3, key = $4, note = $5";
        let (root, key) = (made.root.as_slice(), made.key.as_slice());
        let size = count(made.size)?;
        transaction.execute(kept, &[&size, &now.as_millisecond(), &root, &key, &made.note]).await?;
        transaction.commit().await?;
        Ok(made)
    }
}

/// What a hub's log begins with.
pub(super) async fn prepare(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let id = uuid::Builder::from_random_bytes(secrets::random()?).into_uuid();
    let seed = secrets::random::<32>()?;
    let begun =
        "INSERT INTO audit_log (only_one, id, seed, size) VALUES (1, $1, $2, 0) ON CONFLICT DO NOTHING";
    transaction.execute(begun, &[&id, &seed.as_slice()]).await?;
    Ok(())
}

/// Writes an act down, as the last part of it.
pub(super) async fn write(transaction: &Transaction<'_>, by: &By, act: &Act) -> Result<(), StoreError> {
    let next = "UPDATE audit_log SET size = size + 1 RETURNING size";
    let seq: i64 = transaction.query_one(next, &[]).await?.try_get(0)?;
    let Entry { body, salt, leaf, names } = entry(number(seq)?, by, act)?;
    let record = "INSERT INTO audit (seq, body, salt, leaf) VALUES ($1, $2, $3, $4)";
    transaction.execute(record, &[&seq, &body, &salt.as_slice(), &leaf.as_slice()]).await?;
    for Sealed { seq: _, seal, salt, name, person } in names {
        let kept = "INSERT INTO audit_name (seal, seq, salt, name, person) VALUES ($1, $2, $3, $4, $5)";
        let person = admission::key(person)?;
        transaction.execute(kept, &[&seal, &seq, &salt, &name, &person]).await?;
    }
    Ok(())
}

async fn read(transaction: &Transaction<'_>) -> Result<Log, StoreError> {
    let row = transaction.query_one("SELECT id, seed FROM audit_log", &[]).await?;
    let (id, seed) = (row.try_get(0)?, hash(&row, 1)?);
    let mut log = Log { id, seed, stored: Vec::new(), names: Vec::new(), checkpoints: Vec::new() };
    for row in transaction.query("SELECT seq, body, salt, leaf FROM audit ORDER BY seq", &[]).await? {
        log.stored.push(Stored {
            // A negative place is none that was written.
            seq: u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0),
            body: Some(row.try_get::<_, String>(1)?.into_bytes()),
            salt: Some(row.try_get(2)?),
            leaf: row.try_get(3)?,
        });
    }
    let names = "SELECT seq, seal, salt, name, person FROM audit_name ORDER BY seq, seal";
    for row in transaction.query(names, &[]).await? {
        log.names.push(Sealed {
            seq: u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0),
            seal: row.try_get(1)?,
            salt: row.try_get(2)?,
            name: row.try_get(3)?,
            person: admission::person(row.try_get(4)?)?,
        });
    }
    let checkpoints = "SELECT size, at, root, key, note FROM audit_checkpoint ORDER BY size";
    for row in transaction.query(checkpoints, &[]).await? {
        log.checkpoints.push(Checkpoint {
            size: number(row.try_get(0)?)?,
            at: instant(row.try_get(1)?)?,
            root: hash(&row, 2)?,
            key: hash(&row, 3)?,
            note: row.try_get(4)?,
        });
    }
    Ok(log)
}

fn hash(row: &Row, column: usize) -> Result<Hash, StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|_| StoreError::Damaged("a hash of the audit log is none".to_owned()))
}

fn count(size: u64) -> Result<i64, StoreError> {
    i64::try_from(size).map_err(|_| StoreError::Damaged(format!("{size} is no size")))
}
