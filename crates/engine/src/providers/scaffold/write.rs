//! A result on the disk: written beside its place, then renamed, so that at any moment there is all of it or nothing; and
//! taken away again, if nothing in it was touched.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use firstlight_domain::state::Failure;

use super::{
    record::RECORD,
    tree::{File, Tree},
    trouble::Trouble,
};
use crate::providers::{failure, failure_with, paths::is_absent, whole_file::digest};

/// Adds the record. No template can write there, so that nothing clashes.
pub(super) fn put_record(tree: &mut Tree, record: &File) -> Result<(), Trouble> {
    tree.put(RECORD, record.clone())
}

/// A folder beside `path`, of our own.
pub(super) fn beside(path: &Path, what: &str) -> Result<PathBuf, Failure> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some(name) => Ok(path.with_file_name(format!(".{name}.firstlight-{what}"))),
        None => Err(failure_with(format!("{} is not a folder to make", path.display()), "name one below it")),
    }
}

/// Writes every file, to the disk.
pub(super) fn write_tree(folder: &Path, tree: &Tree) -> Result<(), Failure> {
    let make = |path: &Path| fs::create_dir_all(path).map_err(|error| cannot("made", path, &error));
    make(folder)?;
    for name in tree.folders().iter().filter(|name| !name.is_empty()) {
        make(&folder.join(name))?;
    }
    for (name, file) in tree.files() {
        let path = folder.join(name);
        write_file(&path, file).map_err(|error| cannot("written", &path, &error))?;
    }
    Ok(())
}

fn write_file(path: &Path, file: &File) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // Two names that differ in case are one on some systems: that is an error, not the loss of one of them.
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if file.executable { 0o777 } else { 0o666 });
    }
    let mut open = options.open(path)?;
    open.write_all(&file.content)?;
    open.sync_all()
}

/// What in a folder is not as it was made; `None` if all of it is.
pub(super) fn changed(
    folder: &Path,
    made: &BTreeMap<String, String>,
    repositories: &[String],
) -> Result<Option<String>, Failure> {
    let mut left: BTreeMap<&str, &str> =
        made.iter().map(|(path, digest)| (path.as_str(), digest.as_str())).collect();
    if let Some(why) = compare(folder, "", &mut left, repositories)? {
        return Ok(Some(why));
    }
    Ok(left.keys().next().map(|path| format!("`{path}` was removed from it")))
}

fn compare(
    folder: &Path,
    prefix: &str,
    left: &mut BTreeMap<&str, &str>,
    repositories: &[String],
) -> Result<Option<String>, Failure> {
    let here = folder.join(prefix);
    let entries = fs::read_dir(&here).map_err(|error| cannot("looked at", &here, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| cannot("looked at", &here, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == ".git" && repositories.iter().any(|repository| repository == prefix) {
            continue;
        }
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().map_err(|error| cannot("looked at", &entry.path(), &error))?;
        if kind.is_dir() {
            let inside =
                left.keys().any(|made| made.strip_prefix(&*path).is_some_and(|rest| rest.starts_with('/')));
            let empty = || fs::read_dir(entry.path()).is_ok_and(|mut entries| entries.next().is_none());
            if !inside && !empty() {
                return Ok(Some(format!("`{path}` was added to it")));
            }
            if let Some(why) = compare(folder, &path, left, repositories)? {
                return Ok(Some(why));
            }
            continue;
        }
        let Some(wanted) = left.remove(&*path).filter(|_| kind.is_file()) else {
            return Ok(Some(format!("`{path}` was added to it")));
        };
        let content = fs::read(entry.path()).map_err(|error| cannot("read", &entry.path(), &error))?;
        if digest(&content) != wanted {
            return Ok(Some(format!("`{path}` was changed")));
        }
    }
    Ok(None)
}

/// Takes a folder of ours away, first out of sight in one moment.
pub(super) fn take_away(path: &Path) -> Result<(), Failure> {
    let aside = beside(path, "undone")?;
    remove_tree(&aside)?;
    match fs::rename(path, &aside) {
        Ok(()) => remove_tree(&aside),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(cannot("removed", path, &error)),
    }
}

/// Removes a folder of ours and everything in it; links are removed, not followed.
pub(super) fn remove_tree(path: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(cannot("removed", path, &error)),
    }
}

/// Makes the rename itself durable. Windows has no such call for folders.
pub(super) fn sync_parent(path: &Path) -> Result<(), Failure> {
    match path.parent() {
        Some(folder) if cfg!(unix) => {
            let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|error| cannot("written", folder, &error))
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::PermissionDenied => failure_with(
            format!("{} cannot be {what}: {error}", path.display()),
            "you may not write there; choose another place, or ask for the right to",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => failure_with(
            format!("{} cannot be {what}: the disk is full", path.display()),
            "make room, then try again",
        ),
        _ => Failure {
            hint: Some("look at the folder, then try again".to_owned()),
            ..failure(format!("{} cannot be {what}: {error}", path.display()))
        },
    }
}
