//! Writing a whole file so that it is the old one or the new one at any moment, and knowing how to give back the old.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use firstlight_domain::{plan::hex, state::Failure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    failure, failure_with,
    paths::{followed_out, is_absent},
};
use crate::provider::{Context, read_receipt};

/// Previous content up to this many bytes goes into the receipt; larger stays beside the file.
const MOST_IN_RECEIPT: usize = 256 * 1024;

/// A file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its bytes.
    pub(super) content: Vec<u8>,
    /// Its permissions, as `chmod` has them; none on Windows.
    pub(super) mode: Option<u32>,
}

/// What a change of a file did, and what was there before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Receipt {
    /// The file.
    path: PathBuf,
    /// SHA-256 of what was written: undo touches nothing that was changed since.
    written: String,
    /// What was there.
    before: Before,
    /// Folders that were made for it, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    folders: Vec<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "snake_case")]
enum Before {
    /// No file.
    Absent,
    /// Text.
    Text { text: String, mode: Option<u32> },
    /// Anything else, in base64.
    Bytes { base64: String, mode: Option<u32> },
    /// Too large for a receipt, or holding a secret: kept under this name, in the same folder, as private as it was.
    Beside {
        /// The name.
        name: String,
        /// SHA-256 of it.
        digest: String,
    },
}

/// The file at `path`; `None` if there is none. Refuses what is no plain file, and links that lead out of the home
/// folder.
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
    let content = fs::read(path).map_err(|error| cannot(&error))?;
    Ok(Some(Found { content, mode: mode_of(&metadata) }))
}

/// Puts `content` at `path`, with these permissions (those of the file that was there, else what is usual for new
/// files). Keeps the receipt first.
pub(super) fn replace(
    cx: &Context,
    path: &Path,
    before: Option<&Found>,
    content: &[u8],
    mode: Option<u32>,
) -> Result<(), Failure> {
    let missing = missing_folders(path);
    let receipt = Receipt {
        path: path.to_owned(),
        written: digest(content),
        before: keep(cx, path, before)?,
        folders: missing,
    };
    cx.keep_receipt(&receipt)?;
    make_folder(path)?;
    write(path, content, mode.or_else(|| before.and_then(|found| found.mode)))
}

/// Writes the whole file, keeping its permissions; the receipt is the caller's.
pub(super) fn write_all(path: &Path, before: Option<&Found>, content: &[u8]) -> Result<(), Failure> {
    make_folder(path)?;
    write(path, content, before.and_then(|found| found.mode))
}

/// Removes a file.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).map_err(|error| cannot_write(path, &error))
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    match path.parent() {
        Some(folder) => fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error)),
        None => Ok(()),
    }
}

/// Gives back what a receipt says was there. A file that was changed since is left alone, and said so.
pub(super) fn give_back(cx: &Context, receipt: &serde_json::Value) -> Result<(), Failure> {
    let receipt: Receipt = read_receipt(receipt)?;
    let path = &receipt.path;
    let now = find(path, Path::new(&cx.facts.home))?;
    match &receipt.before {
        Before::Absent => {
            if let Some(now) = now {
                receipt.unchanged_since(&now)?;
                remove(path)?;
            }
        }
        Before::Text { text, mode } => receipt.put_back(now.as_ref(), text.as_bytes(), *mode)?,
        Before::Bytes { base64, mode } => {
            let bytes = STANDARD
                .decode(base64)
                .map_err(|error| failure(format!("what was there before cannot be read: {error}")))?;
            receipt.put_back(now.as_ref(), &bytes, *mode)?;
        }
        Before::Beside { name, digest: before } => {
            let kept = path.with_file_name(name);
            match now {
                None => return Err(receipt.removed_since()),
                Some(now) if digest(&now.content) == *before => {}
                Some(now) => {
                    receipt.unchanged_since(&now)?;
                    fs::rename(&kept, path).map_err(|error| cannot_write(path, &error))?;
                }
            }
        }
    }
    remove_made(&receipt.folders);
    Ok(())
}

/// Removes folders that were made for something that is gone, given outermost first. Only empty ones go: what others
/// put there stays.
pub(super) fn remove_made(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

/// A text as it can be kept in a receipt: not if it is too large or holds a stored credential.
pub(super) fn for_receipt(cx: &Context, content: &[u8]) -> Option<String> {
    let fits = content.len() <= MOST_IN_RECEIPT && !holds_secret(cx, content);
    fits.then(|| std::str::from_utf8(content).ok().map(str::to_owned)).flatten()
}

impl Receipt {
    fn unchanged_since(&self, now: &Found) -> Result<(), Failure> {
        if digest(&now.content) == self.written {
            return Ok(());
        }
        Err(failure_with(
            format!("{} was changed since; it is left as it is", self.path.display()),
            "take your changes out of it, or undo this one by hand",
        ))
    }

    fn put_back(&self, now: Option<&Found>, content: &[u8], mode: Option<u32>) -> Result<(), Failure> {
        match now {
            Some(now) if now.content == content && now.mode == mode => Ok(()),
            Some(now) => {
                if now.content != content {
                    self.unchanged_since(now)?;
                }
                write(&self.path, content, mode)
            }
            None => Err(self.removed_since()),
        }
    }

    fn removed_since(&self) -> Failure {
        failure_with(
            format!("{} was removed since; it is not made again", self.path.display()),
            "nothing needs to be done if you removed it on purpose",
        )
    }
}

/// SHA-256, hex.
pub(super) fn digest(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// Remembers what was there: in the receipt, or beside the file where it does not belong into a record that is kept for
/// ever.
fn keep(cx: &Context, path: &Path, before: Option<&Found>) -> Result<Before, Failure> {
    let Some(Found { content, mode }) = before else {
        return Ok(Before::Absent);
    };
    if content.len() > MOST_IN_RECEIPT || holds_secret(cx, content) {
        let digest = digest(content);
        let name = format!(".{}.{}.before-firstlight", file_name(path)?, &digest[..8]);
        let kept = path.with_file_name(&name);
        let cannot = |error: io::Error| cannot_write(&kept, &error);
        match fs::remove_file(&kept) {
            Ok(()) => {}
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(cannot(error)),
        }
        // A second name for the same file: nothing is copied, and replacing the first leaves the second.
        fs::hard_link(path, &kept).or_else(|_| fs::copy(path, &kept).map(drop)).map_err(cannot)?;
        return Ok(Before::Beside { name, digest });
    }
    Ok(match std::str::from_utf8(content) {
        Ok(text) => Before::Text { text: text.to_owned(), mode: *mode },
        Err(_) => Before::Bytes { base64: STANDARD.encode(content), mode: *mode },
    })
}

fn holds_secret(cx: &Context, content: &[u8]) -> bool {
    let mut mask = cx.host.mask(&[]);
    let mut shown = mask.push(content);
    shown.extend(mask.finish());
    shown != content
}

/// Writes beside the file, to the disk, then renames: a cut at any point leaves the old file or the new one.
fn write(path: &Path, content: &[u8], mode: Option<u32>) -> Result<(), Failure> {
    let beside = path.with_file_name(format!(".{}.firstlight-new", file_name(path)?));
    // Left by a run that was cut off. Never followed: made anew below, and only if nothing is there.
    match fs::remove_file(&beside) {
        Ok(()) => {}
        Err(error) if is_absent(&error) => {}
        Err(error) => return Err(cannot_write(&beside, &error)),
    }
    let written = write_new(&beside, path, content, mode).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // Nothing more can be done about a leftover; the next attempt removes it.
        let _ = fs::remove_file(&beside);
        return Err(cannot_write(path, &error));
    }
    sync_folder(path).map_err(|error| cannot_write(path, &error))
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

/// Makes the rename itself durable. Windows has no such call for folders.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        Some(_) | None => Ok(()),
    }
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

#[cfg_attr(unix, expect(clippy::unnecessary_wraps, reason = "Windows has none"))]
fn mode_of(metadata: &fs::Metadata) -> Option<u32> {
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

fn file_name(path: &Path) -> Result<&str, Failure> {
    path.file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| failure(format!("{} is not the name of a file", path.display())))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    failure_with(format!("{} cannot be written: {error}", path.display()), hint(error))
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
