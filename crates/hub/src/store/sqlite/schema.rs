//! The tables, and how an older file becomes a newer one. One more format: a step at the end of `STEPS`; never a change
//! to an existing one.

use std::sync::Arc;

use firstlight_domain::registry::EventType;
use rusqlite::{Connection, TransactionBehavior, params};
use rusqlite_migration::{M, Migrations};

use super::super::StoreError;
use crate::secrets;

const FIRST: &str = "
-- One row. `salt` makes the pseudonyms of people this hub's own. `touched` is written to see whether one can write.
CREATE TABLE hub (
    only    INTEGER PRIMARY KEY NOT NULL CHECK (only = 1),
    salt    BLOB NOT NULL,
    touched INTEGER NOT NULL
) STRICT;
-- A person is a number. `pseudonym` finds somebody again whom an admin named; who was not named has none.
CREATE TABLE person (
    key       INTEGER PRIMARY KEY NOT NULL,
    pseudonym BLOB UNIQUE
) STRICT;
CREATE TABLE code (
    hash    BLOB PRIMARY KEY NOT NULL,
    person  INTEGER NOT NULL REFERENCES person (key),
    expires INTEGER NOT NULL,
    used    INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE device (
    key      INTEGER PRIMARY KEY NOT NULL,
    id       BLOB NOT NULL UNIQUE,
    person   INTEGER NOT NULL REFERENCES person (key),
    token    BLOB NOT NULL UNIQUE,
    enrolled INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    revoked  INTEGER
) STRICT;
-- Which sequences of a device were settled: the highest, and the gaps below it (pairs of big-endian numbers).
CREATE TABLE mark (
    device   INTEGER PRIMARY KEY NOT NULL REFERENCES device (key),
    high     INTEGER NOT NULL,
    gaps     BLOB NOT NULL,
    accepted INTEGER NOT NULL,
    refused  INTEGER NOT NULL
) STRICT;
CREATE TABLE kind (
    key  INTEGER PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE
) STRICT;
-- The log: appended to, never indexed. Instants are milliseconds; `day` is the date in the organisation's zone when it
-- arrived, as yyyymmdd, and stays what it is if the zone is changed.
CREATE TABLE event (
    device   INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    id       BLOB NOT NULL,
    kind     INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    recorded INTEGER NOT NULL,
    received INTEGER NOT NULL,
    data     TEXT NOT NULL
) STRICT;
CREATE TABLE journey (
    person  INTEGER NOT NULL,
    journey BLOB NOT NULL,
    day     INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    persona TEXT NOT NULL
) STRICT;
CREATE TABLE day_events (
    day  INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (day, kind)
) STRICT, WITHOUT ROWID;
-- `people` is a roaring bitmap of person keys.
CREATE TABLE day_people (
    day    INTEGER PRIMARY KEY NOT NULL,
    people BLOB NOT NULL
) STRICT;
";

const RUNS: &str = "
-- Each run, by the device it ran on. Whichever of its two events arrives first makes the row; until the beginning has
-- arrived it is not known of which release it is.
CREATE TABLE run (
    device  INTEGER NOT NULL,
    run     BLOB NOT NULL,
    pack    TEXT,
    version TEXT,
    failed  INTEGER NOT NULL,
    PRIMARY KEY (device, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_of_release ON run (pack, version, failed);
";

const STEPS: &[M<'static>] = &[M::up(FIRST), M::up(RUNS), M::up(super::surveys::SURVEYS)];

/// The numbers types of events have in one file; a file keeps them whatever becomes of the enum.
#[derive(Debug, Clone)]
pub(super) struct Kinds {
    /// In the order of [`EventType::ALL`].
    keys: Arc<[i64]>,
}

impl Kinds {
    pub(super) fn key(&self, kind: EventType) -> i64 {
        self.keys[kind as usize]
    }

    pub(super) fn kind(&self, key: i64) -> Result<EventType, StoreError> {
        let index = self.keys.iter().position(|known| *known == key);
        index
            .and_then(|index| EventType::ALL.get(index).copied())
            .ok_or_else(|| StoreError::Damaged(format!("there is no type of event number {key}")))
    }
}

/// Brings the tables up to date and knows the types of events.
pub(super) fn prepare(conn: &mut Connection) -> Result<Kinds, StoreError> {
    Migrations::from_slice(STEPS).to_latest(conn)?;
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT OR IGNORE INTO hub (only, salt, touched) VALUES (1, ?1, 0)",
        [secrets::random::<32>()?],
    )?;
    let mut keys = Vec::new();
    for kind in EventType::ALL {
        transaction.execute("INSERT OR IGNORE INTO kind (name) VALUES (?1)", [kind.name()])?;
        let key =
            transaction.query_row("SELECT key FROM kind WHERE name = ?1", [kind.name()], |row| row.get(0))?;
        keys.push(key);
    }
    transaction.commit()?;
    Ok(Kinds { keys: keys.into() })
}

/// Writes a little, for real.
pub(super) fn check_writable(conn: &mut Connection) -> Result<(), StoreError> {
    conn.execute("UPDATE hub SET touched = touched + 1 WHERE only = ?1", params![1])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_hold_together() {
        Migrations::from_slice(STEPS).validate().unwrap();
    }
}
