//! What is noted of a running service, in `services/<step>.json`.

use std::path::PathBuf;

use firstlight_domain::state::Failure;
use serde::{Deserialize, Serialize};

use crate::{process, provider::Context, providers::failure_with};

/// A service we started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The id of its process.
    pub(super) pid: u32,
    /// The birth of that process, see [`process::born`].
    pub(super) born: Option<String>,
    /// Whether that process ended well and left something running that is not its child (`docker compose up -d`).
    pub(super) left: bool,
    /// The hash of what was started.
    pub(super) what: String,
}

impl Record {
    /// Whether the process noted is alive, and not another one that got its id.
    pub(super) fn is_alive(&self) -> bool {
        self.born.is_some() && process::born(self.pid) == self.born
    }
}

fn path(cx: &Context) -> PathBuf {
    cx.host.services_folder().join(format!("{}.json", cx.step))
}

/// The note; none if there is none, or if it cannot be understood: then nothing is known of a process of ours.
pub(super) fn read(cx: &Context) -> Result<Option<Record>, Failure> {
    match std::fs::read(path(cx)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!(%error, step = %cx.step, "the note of a service is damaged"))
            .ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot(cx, "read", &error)),
    }
}

/// Writes the note, whole or not at all.
pub(super) fn keep(cx: &Context, record: &Record) -> Result<(), Failure> {
    let folder = cx.host.services_folder();
    let write = || {
        std::fs::create_dir_all(&folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        serde_json::to_writer(&mut file, record)?;
        file.persist(path(cx)).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| cannot(cx, "written", &error))
}

/// Removes the note.
pub(super) fn forget(cx: &Context) -> Result<(), Failure> {
    match std::fs::remove_file(path(cx)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot(cx, "removed", &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn cannot(cx: &Context, done: &str, error: &std::io::Error) -> Failure {
    failure_with(
        format!("{} cannot be {done}: {error}", path(cx).display()),
        "make room on the disk, or make that folder yours to write",
    )
}
