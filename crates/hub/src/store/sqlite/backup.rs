//! A copy of the database while it is in use, and back again.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

use super::{SqliteStore, beside};
use crate::store::StoreError;

/// Why there is no backup, or it was not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there already; it is never overwritten.
    #[error("{0} exists already; name a file that does not")]
    Exists(PathBuf),
    /// There is no such file.
    #[error("{0} does not exist")]
    Missing(PathBuf),
    /// What was copied is not whole, or not a hub's.
    #[error("{path} is no whole database of a hub: {reason}")]
    NotWhole {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A database could not be read.
    #[error("{path}: {cause}")]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: rusqlite::Error,
    },
    /// The database to restore into cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies the database at `from` to `to`, which must not exist, while hubs go on writing; what was copied is checked before
/// it gets its name.
pub fn back_up(from: &Path, to: &Path) -> Result<(), BackupError> {
    if !from.exists() {
        return Err(BackupError::Missing(from.to_owned()));
    }
    copy(from, to)
}

/// Puts a backup where a database will be. Nothing may be there, and nobody serve from it.
pub fn restore(backup: &Path, database: &Path) -> Result<(), BackupError> {
    if !backup.exists() {
        return Err(BackupError::Missing(backup.to_owned()));
    }
    // A write-ahead log that was left behind would be played into what is restored.
    for leftover in [database.to_owned(), wal(database)] {
        if leftover.exists() {
            return Err(BackupError::Exists(leftover));
        }
    }
    if let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let fail = |cause| BackupError::File { path: folder.to_owned(), cause };
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    let _serving = SqliteStore::claim(database)?;
    copy(backup, database)
}

fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    if to.exists() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let draft = beside(to, "partial");
    let fail = |cause| BackupError::File { path: draft.clone(), cause };
    if draft.exists() {
        std::fs::remove_file(&draft).map_err(fail)?;
    }
    let copied = copy_pages(from, &draft).and_then(|()| check(&draft));
    if let Err(error) = copied {
        // What went wrong is said; a draft that stays is removed by the next try.
        let _ = std::fs::remove_file(&draft);
        return Err(error);
    }
    File::open(&draft).and_then(|file| file.sync_all()).map_err(fail)?;
    // Unlike a rename, a link fails if somebody was faster.
    std::fs::hard_link(&draft, to).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => BackupError::File { path: to.to_owned(), cause },
    })?;
    std::fs::remove_file(&draft).map_err(fail)
}

fn copy_pages(from: &Path, to: &Path) -> Result<(), BackupError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |cause| BackupError::Database { path, cause }
    };
    let source =
        Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed(from))?;
    source.busy_timeout(Duration::from_secs(5)).map_err(failed(from))?;
    let mut target = Connection::open(to).map_err(failed(to))?;
    {
        let backup = Backup::new(&source, &mut target).map_err(failed(from))?;
        // All at once: reading holds nobody up in WAL mode, and a copy in pieces begins anew with each write.
        while backup.step(-1).map_err(failed(from))? != StepResult::Done {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    // One file, without a log beside it.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).map_err(failed(to))
}

fn check(path: &Path) -> Result<(), BackupError> {
    let not_whole = |reason: String| BackupError::NotWhole { path: path.to_owned(), reason };
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|cause| not_whole(cause.to_string()))?;
    let verdict: String = conn
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|cause| not_whole(cause.to_string()))?;
    if verdict != "ok" {
        return Err(not_whole(verdict));
    }
    conn.query_row("SELECT salt FROM hub", [], |_| Ok(()))
        .map_err(|_| not_whole("it has no table of a hub".to_owned()))
}

fn wal(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
