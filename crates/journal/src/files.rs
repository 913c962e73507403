//! The files beside the journal: the last good copy, a damaged set put aside, copies before a migration.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::Connection;

use crate::JournalError;

/// `journal.<word>.sqlite` beside `journal.sqlite`.
pub(crate) fn beside(path: &Path, word: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.{word}.sqlite"))
}

/// The last copy that was found whole.
pub(crate) fn last_good(path: &Path) -> PathBuf {
    beside(path, "last-good")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether anything of the database is there.
pub(crate) fn any(path: &Path) -> bool {
    ["", "-wal", "-shm"].iter().any(|suffix| with_suffix(path, suffix).exists())
}

/// Makes the folder of the journal.
pub(crate) fn make_folder_of(path: &Path) -> Result<(), JournalError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    make_folder(folder).map_err(|error| JournalError::io(path, &error))
}

/// Makes a folder, and those it lies in, so that it is still there after the power went: what is durable in a folder
/// that is not is lost with it.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(folder)?;
    missing.into_iter().rev().try_for_each(sync_folder_of)
}

/// Finds what SQLite would not call damage: a file too short for one page, which it would take for empty, and a header
/// that it would read as "read only", whose two version bytes differ.
pub(crate) fn check_header(path: &Path) -> Result<(), JournalError> {
    const SMALLEST_PAGE: usize = 512;
    let mut page = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(SMALLEST_PAGE as u64).read_to_end(&mut page));
    let damaged =
        |reason: &str| Err(JournalError::Damaged { path: path.to_owned(), reason: reason.to_owned() });
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(JournalError::io(path, &error)),
        Ok(1..SMALLEST_PAGE) => damaged("it was cut short"),
        Ok(_) if page.get(18) != page.get(19) => damaged("its header is not SQLite's"),
        Ok(_) => Ok(()),
    }
}

/// Writes a compact copy of the database to `target`: whole or not at all.
pub(crate) fn copy_out(conn: &Connection, path: &Path, target: &Path) -> Result<(), JournalError> {
    let draft = with_suffix(target, ".new");
    remove(&draft)?;
    conn.execute("VACUUM INTO ?1", [draft.to_string_lossy()])
        .map_err(|error| JournalError::sqlite(path, &error))?;
    put(&draft, target)
}

/// Copies the file `from` to `target`: whole or not at all.
pub(crate) fn copy(from: &Path, target: &Path) -> Result<(), JournalError> {
    let draft = with_suffix(target, ".new");
    fs::copy(from, &draft).map_err(|error| JournalError::io(target, &error))?;
    put(&draft, target)
}

/// Moves the database and what belongs to it to `journal.damaged-<time>.sqlite`.
pub(crate) fn move_aside(path: &Path, now: Timestamp) -> Result<PathBuf, JournalError> {
    let stamp = now.strftime("%Y%m%dT%H%M%S%3fZ").to_string();
    let names = (1_u32..).map(|again| match again {
        1 => beside(path, &format!("damaged-{stamp}")),
        _ => beside(path, &format!("damaged-{stamp}-{again}")),
    });
    // There is always a free name: the numbers outlast the folder.
    let target = names.into_iter().find(|name| !name.exists()).unwrap_or_else(|| beside(path, "damaged"));
    // The database first: a crash in between leaves no database without the log that completes it.
    for suffix in ["", "-wal", "-shm"] {
        match fs::rename(with_suffix(path, suffix), with_suffix(&target, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(JournalError::io(path, &error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    sync_folder(path)?;
    Ok(target)
}

/// Makes the draft durable, then gives it its name.
pub(crate) fn put(draft: &Path, target: &Path) -> Result<(), JournalError> {
    let durable = || {
        fs::OpenOptions::new().write(true).open(draft)?.sync_all()?;
        fs::rename(draft, target)
    };
    durable().map_err(|error: io::Error| JournalError::io(target, &error))?;
    sync_folder(target)
}

/// Removes a file of ours that may not be there.
pub(crate) fn remove(path: &Path) -> Result<(), JournalError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(JournalError::io(path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync_folder(path: &Path) -> Result<(), JournalError> {
    sync_folder_of(path).map_err(|error| JournalError::io(path, &error))
}

/// Makes names durable. Windows keeps them with the file and cannot open a folder.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| cfg!(unix) && !folder.as_os_str().is_empty()) {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
