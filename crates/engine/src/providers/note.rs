//! What is noted of something that keeps running, in `services/<step>.json`: how it was started, so that it is known
//! again.

use std::path::PathBuf;

use firstlight_domain::state::Failure;
use serde::{Serialize, de::DeserializeOwned};

use super::{failure_with, whole_file};
use crate::provider::Context;

fn path(cx: &Context) -> PathBuf {
    cx.host.services_folder().join(format!("{}.json", cx.step))
}

/// The note; none if there is none, or if it cannot be understood: then nothing is known of anything of ours.
pub(super) fn read<N: DeserializeOwned>(cx: &Context) -> Result<Option<N>, Failure> {
    match std::fs::read(path(cx)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)
            .inspect_err(
                |error| tracing::warn!(%error, step = %cx.step, "the note of something running is damaged"),
            )
            .ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot(cx, "read", &error)),
    }
}

/// Writes the note, whole or not at all, for the person alone.
pub(super) fn keep(cx: &Context, note: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_vec(note).map_err(|error| cannot(cx, "written", &error.into()))?;
    whole_file::write_private(&path(cx), &text)
}

/// Removes the note.
pub(super) fn forget(cx: &Context) -> Result<(), Failure> {
    whole_file::remove_if_there(&path(cx))
}

fn cannot(cx: &Context, done: &str, error: &std::io::Error) -> Failure {
    failure_with(
        format!("{} cannot be {done}: {error}", path(cx).display()),
        "make room on the disk, or make that folder yours to write",
    )
}
