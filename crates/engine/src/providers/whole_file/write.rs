//! The writing itself: beside the file, onto the disk, then renamed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use firstlight_domain::state::Failure;

use super::{Found, hint, missing_folders};
use crate::providers::{failure, failure_with, paths::is_absent};

/// Writes the whole file, keeping its permissions; the receipt is the caller's.
pub(in crate::providers) fn write_all(
    path: &Path,
    before: Option<&Found>,
    content: &[u8],
) -> Result<(), Failure> {
    make_folder(path)?;
    write(path, content, before.and_then(|found| found.mode))
}

/// Writes the whole file, for the person alone.
pub(in crate::providers) fn write_private(path: &Path, content: &[u8]) -> Result<(), Failure> {
    make_folder(path)?;
    write(path, content, Some(0o600))
}

/// Removes a file, durably: what is said to be undone does not come back when the power goes.
pub(in crate::providers) fn remove(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).and_then(|()| sync_name(path)).map_err(|error| cannot_write(path, &error))
}

/// Removes what a run left beside the file when it was killed before the new file was whole.
pub(in crate::providers) fn remove_unfinished(path: &Path) -> Result<(), Failure> {
    remove_if_there(&unfinished(path)?)
}

/// Makes the folder of a file, and those it lies in, so that they are still there after the power went.
pub(super) fn make_folder(path: &Path) -> Result<(), Failure> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let made = missing_folders(path);
    fs::create_dir_all(folder)
        .and_then(|()| made.iter().try_for_each(|made| sync_name(made)))
        .map_err(|error| cannot_write(folder, &error))
}

/// Writes beside the file, to the disk, then renames: a cut at any point leaves the old file or the new one.
pub(super) fn write(path: &Path, content: &[u8], mode: Option<u32>) -> Result<(), Failure> {
    let beside = unfinished(path)?;
    // Left by a run that was cut off. Never followed: made anew below, and only if nothing is there.
    remove_if_there(&beside)?;
    let written = write_new(&beside, path, content, mode).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // Nothing more can be done about a leftover; the next attempt removes it.
        let _ = fs::remove_file(&beside);
        return Err(cannot_write(path, &error));
    }
    sync_name(path).map_err(|error| cannot_write(path, &error))
}

fn unfinished(path: &Path) -> Result<PathBuf, Failure> {
    Ok(path.with_file_name(format!(".{}.firstlight-new", file_name(path)?)))
}

fn write_new(beside: &Path, path: &Path, content: &[u8], mode: Option<u32>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Never more open than it will be, not even for a moment.
        options.mode(mode.unwrap_or(0o666) & 0o777);
    }
    let mut file = options.open(beside)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        if let (Ok(old), Ok(new)) = (path.symlink_metadata(), file.metadata())
            && (old.uid(), old.gid()) != (new.uid(), new.gid())
        {
            std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        if let Some(mode) = mode {
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
    file.write_all(content)?;
    file.sync_all()
}

/// Keeps the file's content under a second name in its folder, durably, as private as it is. What bears that name
/// already was kept by an earlier attempt at the same.
pub(super) fn set_aside(path: &Path, kept: &Path) -> Result<(), Failure> {
    remove_if_there(kept)?;
    // A second name for the same file: nothing is copied, and replacing the first leaves the second.
    let done = fs::hard_link(path, kept)
        .or_else(|_| fs::copy(path, kept).and_then(|_| sync_content(kept)))
        .and_then(|()| sync_name(kept));
    done.map_err(|error| cannot_write(kept, &error))
}

/// Removes a file that may not be there, durably.
pub(in crate::providers) fn remove_if_there(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Ok(()) => sync_name(path).map_err(|error| cannot_write(path, &error)),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(cannot_write(path, &error)),
    }
}

/// Makes durable what another program wrote into a file.
pub(in crate::providers) fn sync_content(path: &Path) -> io::Result<()> {
    File::options().write(true).open(path)?.sync_all()
}

/// Makes durable that a name came, went or means something else. Windows has no such call for folders.
pub(in crate::providers) fn sync_name(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn file_name(path: &Path) -> Result<&str, Failure> {
    path.file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| failure(format!("{} is not the name of a file", path.display())))
}

pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    failure_with(format!("{} cannot be written: {error}", path.display()), hint(error))
}
