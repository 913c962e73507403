//! Writing a whole file so that it is the old one or the new one at any moment, and knowing how to give back the old.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use firstlight_domain::{plan::hex, state::Failure};
use sha2::{Digest, Sha256};

use super::{
    failure_with,
    paths::{followed_out, is_absent},
};

mod receipt;
mod write;

pub(super) use receipt::{TakenOut, for_receipt, give_back, remove_made, replace};
pub(super) use write::{
    remove, remove_if_there, remove_unfinished, sync_content, sync_name, write_all, write_private,
};

/// Larger files are nobody's settings, and are not read.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its bytes.
    pub(super) content: Vec<u8>,
    /// Its permissions, as `chmod` has them; none on Windows.
    pub(super) mode: Option<u32>,
}

/// The file at `path`; `None` if there is none. Refuses what is no plain file or too large, and links that lead out of
/// the home folder.
pub(super) fn find(path: &Path, home: &Path) -> Result<Option<Found>, Failure> {
    let cannot = |error: &io::Error| {
        failure_with(format!("{} cannot be looked at: {error}", path.display()), hint(error))
    };
    if let Some(link) = followed_out(path, home).map_err(|error| cannot(&error))? {
        return Err(failure_with(
            format!("{link}; it is not written through"),
            "if it should be written, use the path the link leads to",
        ));
    }
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(cannot(&error)),
    };
    if !metadata.is_file() {
        return Err(failure_with(
            format!("{} is there, but is not a file", path.display()),
            "move it away, then try again",
        ));
    }
    let content = read(path).map_err(|error| cannot(&error))?.ok_or_else(|| {
        failure_with(
            format!("{} is larger than {} MB; it is left as it is", path.display(), MOST_BYTES >> 20),
            "move it away, then try again",
        )
    })?;
    Ok(Some(Found { content, mode: mode_of(&metadata) }))
}

/// The bytes of a file; none if there are too many, also when it grows meanwhile.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > MOST_BYTES {
        return Ok(None);
    }
    let mut content = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut content)?;
    Ok((content.len() as u64 <= MOST_BYTES).then_some(content))
}

/// The name by which steps that change this file keep out of each other's way.
pub(super) fn resource(path: &Path) -> Cow<'static, str> {
    let plain: PathBuf = path.components().filter(|part| !matches!(part, Component::CurDir)).collect();
    let text = format!("file {}", plain.display());
    // Where names differ in more than their case: rather one after the other than both at once.
    Cow::Owned(if cfg!(target_os = "linux") { text } else { text.to_lowercase() })
}

/// SHA-256, hex.
pub(super) fn digest(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// The folders that would have to be made, outermost first.
pub(super) fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> = path
        .ancestors()
        .skip(1)
        .take_while(|folder| !folder.as_os_str().is_empty() && folder.symlink_metadata().is_err())
        .map(Path::to_owned)
        .collect();
    missing.reverse();
    missing
}

/// The permissions of a file or folder.
#[cfg_attr(unix, expect(clippy::unnecessary_wraps, reason = "Windows has none"))]
pub(super) fn mode_of(metadata: &fs::Metadata) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Some(metadata.permissions().mode() & 0o7777)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "you may not write there; choose another place, or ask for the right to"
        }
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only; choose another place",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full; make room, then try again"
        }
        _ => "look at the path, then try again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_path_are_one_resource() {
        let one = resource(Path::new("/home/ada/.npmrc"));
        assert_eq!(resource(Path::new("/home/ada//./.npmrc")), one);
        assert_ne!(resource(Path::new("/home/ada/.npmrc2")), one);
    }
}
