//! Writing something to a file the person chooses with the system's dialog.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use firstlight_app::AppError;
use firstlight_contract::error::Code;
use tauri::WebviewWindow;
use tauri_plugin_dialog::{DialogExt, FilePath};

use crate::shell::{Answer, body};

/// Asks where, and writes it there. The path; nothing if they changed their mind.
pub(super) async fn where_chosen(
    window: &WebviewWindow,
    name: &str,
    write: impl FnOnce(&mut File) -> firstlight_app::Result<()>,
) -> Answer<Option<String>> {
    let (chosen, choice) = tokio::sync::oneshot::channel();
    window.dialog().file().set_parent(window).set_file_name(name).save_file(|file| {
        // Nobody waits any more if the window was closed meanwhile.
        let _ = chosen.send(file);
    });
    let file = choice.await.ok().flatten().map(FilePath::into_path).and_then(Result::ok);
    file.map(|file| to(&file, write).map(|()| file.display().to_string())).transpose().map_err(body)
}

/// Beside its place first: what the person chose to replace is there until all of the new is.
fn to(
    file: &Path,
    write: impl FnOnce(&mut File) -> firstlight_app::Result<()>,
) -> firstlight_app::Result<()> {
    let beside = PathBuf::from(format!("{}.part", file.display()));
    let cannot = |error: &io::Error| cannot_write(file, error);
    let written = File::create(&beside).map_err(|error| cannot(&error)).and_then(|mut out| {
        write(&mut out)?;
        out.sync_all().and_then(|()| fs::rename(&beside, file)).map_err(|error| cannot(&error))
    });
    if written.is_err() {
        // It may not be there; the error that matters is the one before.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn cannot_write(file: &Path, error: &io::Error) -> AppError {
    let code = match error.kind() {
        io::ErrorKind::StorageFull => Code::DiskFull,
        _ => Code::HomeNotWritable,
    };
    AppError::new(code, format!("{} cannot be written: {error}.", file.display()))
        .hint("Choose another place.")
}
