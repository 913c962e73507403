//! What a change of a file did, and giving back what was there before.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use firstlight_domain::state::Failure;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Found, digest, find, missing_folders, read,
    write::{
        cannot_write, file_name, make_folder, remove, remove_if_there, remove_unfinished, set_aside,
        sync_name, write,
    },
};
use crate::{
    provider::{Context, read_receipt},
    providers::{failure, failure_with, paths::is_absent},
};

/// Previous content up to this many bytes goes into the receipt; larger stays beside the file.
const MOST_IN_RECEIPT: usize = 256 * 1024;

/// What a change of a file did, and what was there before. `P` says which part of the file is ours, where not all is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Receipt<P> {
    /// The file.
    path: PathBuf,
    /// SHA-256 of what was written: a file that is as we left it is given back whole.
    written: String,
    /// What was there.
    before: Before,
    /// Permissions it was given, where the step names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<u32>,
    /// Folders that were made for it, outermost first.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    folders: Vec<PathBuf>,
    /// What can be taken out again of a file that others changed since.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    part: Option<P>,
}

fn none<P>() -> Option<P> {
    None
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
        #[serde(default)]
        mode: Option<u32>,
    },
}

/// A file that others changed since, without the part that was ours.
pub(in crate::providers) struct TakenOut {
    /// What it holds then; `None`: it goes, because nothing is left that is not ours.
    pub(in crate::providers) content: Option<Vec<u8>>,
    /// What was ours and was changed since, so that it stays; for people.
    pub(in crate::providers) left: Vec<String>,
}

/// Puts `content` at `path`, with these permissions (those of the file that was there, else what is usual for new
/// files). Keeps the receipt first; what does not fit into it is set aside next. A cut at any point leaves the old file
/// or the new one, and nothing beside it that the receipt does not name.
pub(in crate::providers) fn replace<P: Serialize>(
    cx: &Context,
    path: &Path,
    before: Option<&Found>,
    content: &[u8],
    mode: Option<u32>,
    part: Option<P>,
) -> Result<(), Failure> {
    let receipt = Receipt {
        path: path.to_owned(),
        written: digest(content),
        before: remember(cx, path, before)?,
        mode,
        folders: missing_folders(path),
        part,
    };
    cx.keep_receipt(&receipt)?;
    make_folder(path)?;
    let mode = mode.or_else(|| before.and_then(|found| found.mode));
    let Before::Beside { name, .. } = &receipt.before else {
        return write(path, content, mode);
    };
    let kept = path.with_file_name(name);
    set_aside(path, &kept)?;
    write(path, content, mode).inspect_err(|_| {
        // The file is the old one still; undo would remove this as well.
        let _ = fs::remove_file(&kept);
    })
}

/// Gives back what a receipt says was there. Of a file that was changed since only what `take_out` says is ours goes,
/// and without such a part it is left alone; what stays is said.
pub(in crate::providers) fn give_back<P: DeserializeOwned>(
    cx: &Context,
    receipt: &serde_json::Value,
    take_out: impl FnOnce(&P, &Path, Option<&[u8]>, &[u8]) -> Result<TakenOut, Failure>,
) -> Result<(), Failure> {
    let receipt: Receipt<P> = read_receipt(receipt)?;
    let path = &receipt.path;
    let now = find(path, Path::new(&cx.facts.home))?;
    remove_unfinished(path)?;
    match now {
        None if receipt.before == Before::Absent => {}
        None => {
            return Err(failure_with(
                format!("{} was removed since; it is not made again", path.display()),
                "nothing needs to be done if you removed it on purpose",
            ));
        }
        Some(now) => {
            let is_now = digest(&now.content);
            if receipt.before.is(&now, &is_now) {
                receipt.forget_kept()?;
            } else if receipt.before.has(&now, &is_now) || is_now == receipt.written {
                receipt.put_back()?;
            } else {
                receipt.take_out(&now, take_out)?;
            }
        }
    }
    remove_made(&receipt.folders);
    Ok(())
}

/// Removes folders that were made for something that is gone, given outermost first. Only empty ones go: what others
/// put there stays. One that is not there was not made by a run that was cut off, or is gone already.
pub(in crate::providers) fn remove_made(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        match fs::remove_dir(folder).and_then(|()| sync_name(folder)) {
            Ok(()) => {}
            Err(error) if is_absent(&error) => {}
            Err(_) => break,
        }
    }
}

/// A text as it can be kept in a receipt: not if it is too large or holds a stored credential.
pub(in crate::providers) fn for_receipt(cx: &Context, content: &[u8]) -> Option<String> {
    let fits = content.len() <= MOST_IN_RECEIPT && !holds_secret(cx, content);
    fits.then(|| std::str::from_utf8(content).ok().map(str::to_owned)).flatten()
}

impl Before {
    /// Whether a file is exactly what was there.
    fn is(&self, now: &Found, is_now: &str) -> bool {
        self.has(now, is_now) && (self.mode().is_none() || self.mode() == now.mode)
    }

    /// Whether a file holds what was there.
    fn has(&self, now: &Found, is_now: &str) -> bool {
        match self {
            Self::Absent => false,
            Self::Text { text, .. } => text.as_bytes() == now.content,
            Self::Bytes { base64, .. } => STANDARD.encode(&now.content) == *base64,
            Self::Beside { digest, .. } => digest == is_now,
        }
    }

    fn mode(&self) -> Option<u32> {
        match self {
            Self::Absent => None,
            Self::Text { mode, .. } | Self::Bytes { mode, .. } | Self::Beside { mode, .. } => *mode,
        }
    }
}

impl<P> Receipt<P> {
    /// Gives the whole file back.
    fn put_back(&self) -> Result<(), Failure> {
        let path = &self.path;
        let Some(content) = self.content_before()? else {
            return remove(path);
        };
        match &self.before {
            Before::Beside { name, .. } => {
                let kept = path.with_file_name(name);
                fs::rename(&kept, path)
                    .and_then(|()| sync_name(path))
                    .map_err(|error| cannot_write(path, &error))
            }
            Before::Absent | Before::Text { .. } | Before::Bytes { .. } => {
                write(path, &content, self.before.mode())
            }
        }
    }

    /// Takes out of a file that others changed what is ours.
    fn take_out(
        &self,
        now: &Found,
        take_out: impl FnOnce(&P, &Path, Option<&[u8]>, &[u8]) -> Result<TakenOut, Failure>,
    ) -> Result<(), Failure> {
        let path = &self.path;
        let Some(part) = &self.part else {
            return Err(failure_with(
                format!("{} was changed since; it is left as it is", path.display()),
                "take your changes out of it, or undo this one by hand",
            ));
        };
        let before = self.content_before()?;
        let TakenOut { content, left } = take_out(part, path, before.as_deref(), &now.content)?;
        match content {
            Some(content) => {
                let ours = self.mode.is_some() && self.mode == now.mode;
                let mode = self.before.mode().filter(|_| ours).or(now.mode);
                if content != now.content || mode != now.mode {
                    write(path, &content, mode)?;
                }
            }
            None => remove(path)?,
        }
        if left.is_empty() {
            return self.forget_kept();
        }
        let (are, them) = if left.len() == 1 { ("was", "it") } else { ("were", "them") };
        Err(failure_with(
            format!("in {}, {} {are} changed since and left as found", path.display(), left.join(", ")),
            format!("look at {them}, and change {them} by hand if you want to"),
        ))
    }

    /// What was there; `None` if there was no file.
    fn content_before(&self) -> Result<Option<Vec<u8>>, Failure> {
        match &self.before {
            Before::Absent => Ok(None),
            Before::Text { text, .. } => Ok(Some(text.clone().into_bytes())),
            Before::Bytes { base64, .. } => {
                let bytes = STANDARD.decode(base64);
                bytes
                    .map(Some)
                    .map_err(|error| failure(format!("what was there before cannot be read: {error}")))
            }
            Before::Beside { name, digest: was, .. } => {
                let kept = self.path.with_file_name(name);
                match read(&kept) {
                    Ok(Some(content)) if digest(&content) == *was => Ok(Some(content)),
                    Ok(_) => Err(lost(&kept, "is not what it was")),
                    Err(error) => Err(lost(&kept, &format!("cannot be read: {error}"))),
                }
            }
        }
    }

    /// Removes the copy beside the file, which nobody needs any more.
    fn forget_kept(&self) -> Result<(), Failure> {
        match &self.before {
            Before::Beside { name, .. } => remove_if_there(&self.path.with_file_name(name)),
            Before::Absent | Before::Text { .. } | Before::Bytes { .. } => Ok(()),
        }
    }
}

fn lost(kept: &Path, why: &str) -> Failure {
    failure_with(
        format!("{}, which keeps what was there before, {why}", kept.display()),
        "the file is left as it is; change it by hand if you want to",
    )
}

/// How to remember what was there: in the receipt, or beside the file where it does not belong into a record that is
/// kept for ever. Touches nothing yet.
fn remember(cx: &Context, path: &Path, before: Option<&Found>) -> Result<Before, Failure> {
    let Some(Found { content, mode }) = before else {
        return Ok(Before::Absent);
    };
    if content.len() > MOST_IN_RECEIPT || holds_secret(cx, content) {
        let was = digest(content);
        // No other step, and no other run of this one, has this name: what they keep stays theirs.
        let run = cx.run.map(|run| run.0.to_string()).unwrap_or_default();
        let own = digest(format!("{} {run} {was}", cx.step).as_bytes());
        let name = format!(".{}.{}.before-firstlight", file_name(path)?, &own[..12]);
        return Ok(Before::Beside { name, digest: was, mode: *mode });
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
