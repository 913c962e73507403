//! The folder of a clone: made durable, and removed.

use std::{fs, io, path::Path};

use firstlight_domain::state::Failure;

use crate::providers::{failure_with, paths::is_absent, whole_file};

/// Makes durable, before a clone gets its name, what git itself does not sync: where its branches are, and what it has
/// checked out. A file of the work tree that a power cut took is one that git then calls changed.
pub(super) fn sync_clone(clone: &Path) -> io::Result<()> {
    let inside = clone.join(".git");
    let mut open = ["HEAD", "config", "index", "packed-refs", "refs"].map(|name| inside.join(name)).to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path)?.map(|entry| entry.map(|entry| entry.path()));
            open.extend(entries.collect::<io::Result<Vec<_>>>()?);
        } else if path.is_file() {
            whole_file::sync_content(&path)?;
        } else {
            continue;
        }
        whole_file::sync_name(&path)?;
    }
    whole_file::sync_name(&inside)
}

/// Removes a folder of ours and everything in it; links are removed, not followed.
pub(super) fn remove_tree(path: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(path).and_then(|()| whole_file::sync_name(path)) {
        Ok(()) => Ok(()),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(cannot("removed", path, &error)),
    }
}

pub(super) fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    failure_with(
        format!("{} cannot be {what}: {error}", path.display()),
        "look at the folder, then try again",
    )
}
