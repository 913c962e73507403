//! An empty folder whose place a folder of ours takes, and which is there again when that is undone: with the
//! permissions somebody gave it.

use std::{fs, io, path::Path};

use super::whole_file::{mode_of, sync_name};

/// The permissions of a folder, for the receipt. Windows has none.
pub(super) fn mode(folder: &Path) -> Option<u32> {
    folder.symlink_metadata().ok().and_then(|found| mode_of(&found))
}

/// Gives the folder that takes its place the same permissions: a private one does not become public by being filled.
pub(super) fn hand_on(mode: Option<u32>, folder: &Path) -> io::Result<()> {
    // The owner goes on filling it.
    set(folder, mode.map(|mode| mode | 0o700))
}

/// Makes it again.
pub(super) fn make_again(folder: &Path, mode: Option<u32>) -> io::Result<()> {
    fs::create_dir(folder)?;
    set(folder, mode)?;
    sync_name(folder)
}

fn set(folder: &Path, mode: Option<u32>) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(mode) = mode {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = (folder, mode);
    Ok(())
}
