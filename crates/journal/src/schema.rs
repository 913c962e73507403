//! The tables, and how an older file becomes a newer one.
//!
//! One more format: a step at the end of [`steps`]; never a change to an existing one. The table `meta` keeps its shape
//! for ever: it tells a file of a newer version from a damaged one.

use std::path::Path;

use firstlight_domain::plan::hex;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use rusqlite_migration::{M, Migrations};

use crate::{JournalError, files, outbox, record};

/// "FLJ1": marks the file as ours.
const APPLICATION_ID: i32 = 0x464c_4a31;

const FIRST: &str = "
CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL,
    sum   BLOB NOT NULL
) STRICT, WITHOUT ROWID;
-- `leaf` is SHA-256(salt || body). An erased record keeps only its leaf.
CREATE TABLE record (
    seq  INTEGER PRIMARY KEY NOT NULL,
    body TEXT,
    salt BLOB,
    leaf BLOB NOT NULL
) STRICT;
-- What has left or may leave this machine. `consented`: whether sharing was on when it happened.
CREATE TABLE outbox (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    record    INTEGER NOT NULL REFERENCES record (seq),
    id        TEXT NOT NULL,
    kind      TEXT NOT NULL,
    time      TEXT NOT NULL,
    consented INTEGER NOT NULL,
    body      TEXT NOT NULL,
    sent_at   TEXT,
    sum       BLOB NOT NULL
) STRICT;
-- Signed checkpoints of the tree. `key` is the public key each was signed with.
CREATE TABLE anchor (
    size INTEGER NOT NULL,
    at   TEXT NOT NULL,
    root BLOB NOT NULL,
    key  BLOB NOT NULL,
    note TEXT NOT NULL,
    sum  BLOB NOT NULL,
    PRIMARY KEY (size, key)
) STRICT;
";

/// A place for every event, and a number only for those that may leave: a hub takes a missing number as an event that was
/// lost. `body` is the event without its number.
const SECOND: &str = "
ALTER TABLE outbox RENAME TO outbox_before;
CREATE TABLE outbox (
    place     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    record    INTEGER NOT NULL REFERENCES record (seq),
    id        TEXT NOT NULL,
    kind      TEXT NOT NULL,
    time      TEXT NOT NULL,
    consented INTEGER NOT NULL,
    sequence  INTEGER UNIQUE,
    body      TEXT NOT NULL,
    sent_at   TEXT,
    refused   TEXT,
    sum       BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_waiting ON outbox (sequence) WHERE sent_at IS NULL;
";

/// What a format adds to the one before.
pub(crate) struct Step {
    /// To the tables.
    sql: &'static str,
    /// To what is in them.
    then: fn(&Transaction<'_>) -> rusqlite::Result<()>,
}

/// What each format adds to the one before.
pub(crate) fn steps() -> Vec<Step> {
    vec![Step { sql: FIRST, then: |_| Ok(()) }, Step { sql: SECOND, then: outbox::number_anew }]
}

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Empty: nothing was ever written.
    Fresh,
    /// Ours, of this format.
    Known(u32),
}

/// Tells what the file is. A version that `meta` does not confirm is damage, not a newer or older file.
pub(crate) fn version(conn: &Connection, path: &Path, known: u32) -> Result<Version, JournalError> {
    let fail = |error| JournalError::sqlite(path, &error);
    let damaged = |reason: &str| JournalError::Damaged { path: path.to_owned(), reason: reason.to_owned() };
    let tables: u32 =
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
    let stamped: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fail)?;
    if tables == 0 && stamped == 0 {
        return Ok(Version::Fresh);
    }
    let id: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(fail)?;
    let written = meta(conn, path, "format")?.and_then(|text| text.parse::<u32>().ok());
    match (id, written) {
        (APPLICATION_ID, Some(found)) if i64::from(found) == stamped => {
            if found > known {
                return Err(JournalError::TooNew { path: path.to_owned(), found, known });
            }
            Ok(Version::Known(found))
        }
        _ => Err(damaged("its header does not say what its tables say")),
    }
}

/// Brings the file to the newest format, in one transaction, after putting an older one's copy beside it.
pub(crate) fn migrate(
    conn: &mut Connection,
    path: &Path,
    steps: &[Step],
    from: &Version,
) -> Result<(), JournalError> {
    let newest = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    match from {
        Version::Known(found) if *found == newest => return Ok(()),
        Version::Known(found) => {
            files::copy_out(conn, path, &files::beside(path, &format!("before-format-{}", found + 1)))?;
        }
        Version::Fresh => {}
    }
    upgrade(conn, path, steps)
}

/// Brings what `conn` holds to the newest format, in one transaction.
pub(crate) fn upgrade(conn: &mut Connection, path: &Path, steps: &[Step]) -> Result<(), JournalError> {
    let migrations = (1_u32..).zip(steps).map(|(format, Step { sql, then })| {
        let then = *then;
        M::up_with_hook(sql, move |tx: &Transaction<'_>| {
            then(tx)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            set_meta(tx, "format", &format.to_string())?;
            set_meta(tx, "tables", &tables(tx)?)?;
            Ok(())
        })
    });
    Migrations::new(migrations.collect()).to_latest(conn).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => JournalError::sqlite(path, &err),
        other => JournalError::Internal { cause: other.to_string() },
    })
}

/// The declarations of all tables, as one sum.
fn tables(conn: &Connection) -> rusqlite::Result<String> {
    let all: String = conn.query_row(
        "SELECT group_concat(sql, ';') FROM
             (SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name)",
        [],
        |row| row.get(0),
    )?;
    Ok(hex(&record::sum(&[all.as_bytes()])))
}

/// Finds a table that is not declared as it was.
pub(crate) fn check(conn: &Connection, path: &Path) -> Result<(), JournalError> {
    let declared = tables(conn).map_err(|error| JournalError::sqlite(path, &error))?;
    if meta(conn, path, "tables")?.is_none_or(|written| written != declared) {
        let reason = "its tables are not declared as they were".to_owned();
        return Err(JournalError::Damaged { path: path.to_owned(), reason });
    }
    Ok(())
}

/// A word about the whole file; none if it was never said. A value that does not fit its sum is damage.
pub(crate) fn meta(conn: &Connection, path: &Path, key: &str) -> Result<Option<String>, JournalError> {
    let row: Option<(String, Vec<u8>)> = conn
        .query_row("SELECT value, sum FROM meta WHERE key = ?1", [key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(|error| JournalError::sqlite(path, &error))?;
    match row {
        Some((value, sum)) if sum != record::sum(&[key.as_bytes(), value.as_bytes()]) => {
            Err(JournalError::Damaged {
                path: path.to_owned(),
                reason: format!("`{key}` is not what was written"),
            })
        }
        row => Ok(row.map(|(value, _)| value)),
    }
}

/// Says a word about the whole file.
pub(crate) fn set_meta(conn: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    let sum = record::sum(&[key.as_bytes(), value.as_bytes()]);
    conn.execute(
        "INSERT INTO meta (key, value, sum) VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, sum = excluded.sum",
        params![key, value, sum],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::Journal;

    const THIRD: &str = "ALTER TABLE record ADD COLUMN added TEXT; CREATE TABLE other (a TEXT) STRICT;";
    const BROKEN: &str = "CREATE TABLE other (a TEXT) STRICT; CREATE TABLE record (a TEXT) STRICT;";

    fn old() -> (tempfile::TempDir, std::path::PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal.sqlite");
        drop(Journal::open::<Vec<_>>(&path, Timestamp::UNIX_EPOCH).unwrap());
        (home, path)
    }

    fn migrate_with(path: &Path, third: &'static str) -> Result<Version, JournalError> {
        let mut conn = Connection::open(path).unwrap();
        let found = version(&conn, path, 3)?;
        let mut steps = steps();
        steps.push(Step { sql: third, then: |_| Ok(()) });
        migrate(&mut conn, path, &steps, &found)?;
        check(&conn, path)?;
        version(&conn, path, 3)
    }

    #[test]
    fn f4_an_older_file_is_copied_and_brought_up_to_date() {
        let (_home, path) = old();
        assert_eq!(migrate_with(&path, THIRD).unwrap(), Version::Known(3));
        let backup = files::beside(&path, "before-format-3");
        let conn = Connection::open(&backup).unwrap();
        assert_eq!(version(&conn, &backup, 3).unwrap(), Version::Known(2));
    }

    #[test]
    fn f4_a_migration_that_fails_half_way_changes_nothing() {
        let (_home, path) = old();
        assert!(migrate_with(&path, BROKEN).is_err());
        let opened = Journal::open::<Vec<_>>(&path, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(opened.restored, None);
        let others: u32 = opened
            .journal
            .conn
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'other'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(others, 0);
    }

    #[test]
    fn f4_a_newer_file_is_refused_and_left_as_it_is() {
        let (_home, path) = old();
        migrate_with(&path, THIRD).unwrap();
        let before = std::fs::read(&path).unwrap();
        for result in [
            Journal::open::<Vec<_>>(&path, Timestamp::UNIX_EPOCH).map(|_| ()),
            Journal::open_to_read(&path).map(|_| ()),
        ] {
            assert!(matches!(result, Err(JournalError::TooNew { found: 3, known: 2, .. })), "{result:?}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
