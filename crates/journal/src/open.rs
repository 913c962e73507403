//! Opening: create, migrate, check, and restore the last good copy when the file is damaged. Never a silent empty start.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use firstlight_domain::event::Happened;
use jiff::Timestamp;
use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use uuid::Uuid;

use crate::{
    Journal, JournalError, anchor, files,
    journal::each,
    outbox::{self, Context},
    record, schema,
    schema::Version,
};

/// A journal that was opened, and what was made of its events while they were read.
#[derive(Debug)]
pub struct Opened<H> {
    /// Ready to append to.
    pub journal: Journal,
    /// Has taken in everything that happened, oldest first.
    pub history: H,
    /// Said when the file was damaged or gone and the last good copy took its place: the person has to be told.
    pub restored: Option<Restored>,
    /// Why the last good copy could not be refreshed, if it could not: the journal works, but less safely.
    pub copy_failed: Option<JournalError>,
}

/// What a restore means for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What was wrong.
    pub reason: String,
    /// Where the damaged file was put; none if there was no file at all.
    pub moved_to: Option<PathBuf>,
    /// How many records the damaged file is known to have held beyond what was restored. It may have held more.
    pub records_lost_at_least: u64,
}

/// What was read from a file that is whole.
struct Content {
    device: Option<String>,
    context: Context,
}

impl Journal {
    /// Opens the journal at `path` (usually `journal.sqlite`), creating or migrating it. The whole file is checked; when
    /// it is damaged or gone it is put aside and the last good copy takes its place, which `restored` says. `now` only
    /// names files put aside. Call it only while holding the folder's instance lock.
    ///
    /// Each event is handed over as it is read, so that no more of them are in memory than `H` keeps.
    pub fn open<H: Default + Extend<Happened>>(
        path: &Path,
        now: Timestamp,
    ) -> Result<Opened<H>, JournalError> {
        let copy = files::last_good(path);
        files::make_folder_of(path)?;
        let reason = if path.exists() || !copy.exists() {
            match open_checked(path) {
                Err(JournalError::Damaged { reason, .. }) => reason,
                opened => return opened.map(Opened::with_fresh_copy),
            }
        } else {
            "the file is gone".to_owned()
        };
        restore(path, &copy, now, reason)
    }

    /// Puts whatever is at `path` aside, with its last good copy, and begins an empty journal. Only ever because the
    /// person said so. Returns the new journal and where the old file is.
    pub fn start_anew<H: Default + Extend<Happened>>(
        path: &Path,
        now: Timestamp,
    ) -> Result<(Opened<H>, Option<PathBuf>), JournalError> {
        files::make_folder_of(path)?;
        let moved_to = if files::any(path) { Some(files::move_aside(path, now)?) } else { None };
        let copy = files::last_good(path);
        if copy.exists() {
            files::move_aside(&copy, now)?;
        }
        Ok((open_checked(path)?.with_fresh_copy(), moved_to))
    }

    /// Opens an existing journal to read, verify or export, without the instance lock and without mending anything:
    /// nothing is checked, moved or restored, and nothing written reaches the file. One of an older format is read as it
    /// would be after its migration.
    pub fn open_to_read(path: &Path) -> Result<Self, JournalError> {
        if !path.exists() {
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        match schema::version(&conn, path, newest())? {
            Version::Known(found) if found == newest() => {}
            Version::Known(_) => conn = upgraded_in_memory(&conn, path)?,
            Version::Fresh => return Err(JournalError::Missing { path: path.to_owned() }),
        }
        let device = schema::meta(&conn, path, "device")?
            .ok_or_else(|| JournalError::Missing { path: path.to_owned() })?;
        Ok(Self { conn, path: path.to_owned(), device, context: Context::default() })
    }

    /// Refreshes the last good copy, from which a damaged journal is restored: whole or not at all, and only if
    /// everything in it is as it was written.
    pub fn keep_copy(&self) -> Result<(), JournalError> {
        let draft = files::beside(&self.path, "copy");
        files::copy_out(&self.conn, &self.path, &draft)?;
        let checked =
            connect(&draft, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|conn| check(&conn, &draft, |_| {}));
        if let Err(error) = checked {
            files::remove(&draft)?;
            return Err(error);
        }
        files::put(&draft, &files::last_good(&self.path))
    }

    /// Whether the last good copy has everything.
    fn copy_is_current(&self) -> bool {
        let state = |conn: &Connection| {
            conn.query_row(
                "SELECT (SELECT max(seq) FROM record), (SELECT count(*) FROM anchor),
                        (SELECT count(*) FROM record WHERE body IS NULL),
                        (SELECT user_version FROM pragma_user_version)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
        };
        let copy = files::last_good(&self.path);
        let there: Option<(Option<u64>, u64, u64, u32)> =
            connect(&copy, OpenFlags::SQLITE_OPEN_READ_ONLY).ok().and_then(|conn| state(&conn).ok());
        there.is_some() && there == state(&self.conn).ok()
    }
}

impl<H> Opened<H> {
    fn with_fresh_copy(mut self) -> Self {
        if !self.journal.copy_is_current() {
            self.copy_failed = self.journal.keep_copy().err();
        }
        self
    }
}

fn newest() -> u32 {
    u32::try_from(schema::steps().len()).unwrap_or(u32::MAX)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, JournalError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let configure = |conn: &Connection| {
        conn.busy_timeout(Duration::from_secs(5))?;
        conn.pragma_update(None, "foreign_keys", true)
    };
    let conn =
        Connection::open_with_flags(path, flags).map_err(|error| JournalError::sqlite(path, &error))?;
    configure(&conn).map_err(|error| JournalError::sqlite(path, &error))?;
    Ok(conn)
}

/// A copy of a file of an older format, brought to the newest, which leaves the file as it is.
fn upgraded_in_memory(conn: &Connection, path: &Path) -> Result<Connection, JournalError> {
    let copy = || -> rusqlite::Result<Connection> {
        let mut copy = Connection::open_in_memory()?;
        let backup = Backup::new(conn, &mut copy)?;
        while backup.step(-1)? != StepResult::Done {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(backup);
        Ok(copy)
    };
    let mut copy = copy().map_err(|error| JournalError::sqlite(path, &error))?;
    schema::upgrade(&mut copy, path, &schema::steps())?;
    copy.pragma_update(None, "query_only", true).map_err(|error| JournalError::sqlite(path, &error))?;
    Ok(copy)
}

/// Write-ahead log, and every commit on the disk before it is acknowledged. `fullfsync` makes macOS mean it.
fn make_durable(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)
}

/// Opens the file if it is whole.
fn open_checked<H: Default + Extend<Happened>>(path: &Path) -> Result<Opened<H>, JournalError> {
    let fail = |error| JournalError::sqlite(path, &error);
    files::check_header(path)?;
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    // Before anything is written: what a newer or a damaged file is, it stays.
    let version = schema::version(&conn, path, newest())?;
    if version == Version::Fresh && files::last_good(path).exists() {
        return Err(JournalError::Damaged { path: path.to_owned(), reason: "it is empty".into() });
    }
    make_durable(&conn).map_err(fail)?;
    schema::migrate(&mut conn, path, &schema::steps(), &version)?;
    let mut history = H::default();
    let Content { device, context } = check(&conn, path, |happened| history.extend([happened]))?;
    let device = match device {
        Some(device) => device,
        None => name_device(&conn, path)?,
    };
    let journal = Journal { conn, path: path.to_owned(), device, context };
    Ok(Opened { journal, history, restored: None, copy_failed: None })
}

fn name_device(conn: &Connection, path: &Path) -> Result<String, JournalError> {
    let device = uuid::Builder::from_random_bytes(record::random()?).into_uuid().to_string();
    schema::set_meta(conn, "device", &device).map_err(|error| JournalError::sqlite(path, &error))?;
    Ok(device)
}

/// Reads everything once and finds whatever is not as it was written. What was handed over before something is found
/// counts for nothing.
fn check(conn: &Connection, path: &Path, mut take: impl FnMut(Happened)) -> Result<Content, JournalError> {
    let damaged = |reason: String| JournalError::Damaged { path: path.to_owned(), reason };
    let verdict: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| JournalError::sqlite(path, &error))?;
    if verdict != "ok" {
        return Err(damaged(verdict));
    }
    schema::check(conn, path)?;
    let device = schema::meta(conn, path, "device")?;
    if device.as_ref().is_some_and(|device| Uuid::parse_str(device).is_err()) {
        return Err(damaged("the device's id is not one".into()));
    }
    let mut context = Context::default();
    each(conn, path, 0, |stored| {
        if !stored.is_whole_at(context.seen + 1) {
            return Err(damaged(format!("record {} is not what was written", context.seen + 1)));
        }
        context.seen = stored.seq;
        if let Some(body) = &stored.body {
            let happened = record::read(stored.seq, body)?;
            context.apply(&happened);
            take(happened);
        }
        Ok(())
    })?;
    // The last good copy may be of an older format; the step that upgrades it reads every event.
    if schema::version(conn, path, newest())? == Version::Known(newest()) {
        outbox::check(conn, path)?;
    }
    let anchored = anchor::all(conn, path)?.last().map_or(0, |anchor| anchor.size);
    if anchored > context.seen {
        return Err(damaged(format!("only {} of {anchored} anchored records are there", context.seen)));
    }
    if device.is_none() && context.seen > 0 {
        return Err(damaged("the device's id is gone".into()));
    }
    Ok(Content { device, context })
}

/// Puts the damaged file aside and the last good copy in its place.
fn restore<H: Default + Extend<Happened>>(
    path: &Path,
    copy: &Path,
    now: Timestamp,
    reason: String,
) -> Result<Opened<H>, JournalError> {
    let damaged = |reason| JournalError::Damaged { path: path.to_owned(), reason };
    if !copy.exists() {
        return Err(damaged(reason));
    }
    if let Err(error) =
        connect(copy, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|conn| check(&conn, copy, |_| {}))
    {
        return Err(damaged(format!("{reason}; its last good copy is no better: {error}")));
    }
    let held = highest(path);
    let moved_to = if files::any(path) { Some(files::move_aside(path, now)?) } else { None };
    // Before it gets its name: a crash in between must not leave numbers that are given a second time.
    let draft = files::beside(path, "restoring");
    files::copy(copy, &draft)?;
    outbox::forget_numbering(&connect(&draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?, &draft)?;
    files::put(&draft, path)?;
    let mut opened = open_checked::<H>(path)?;
    let records_lost_at_least = held.unwrap_or(0).saturating_sub(opened.journal.context.seen);
    opened.restored = Some(Restored { reason, moved_to, records_lost_at_least });
    Ok(opened)
}

/// The highest record a damaged file admits to.
fn highest(path: &Path) -> Option<u64> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    conn.query_row("SELECT max(seq) FROM record", [], |row| row.get(0)).ok()?
}
