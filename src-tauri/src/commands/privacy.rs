//! What is known here, what leaves, and the person's decisions about it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use firstlight_app::{AppError, Firstlight};
use firstlight_contract::{
    commands::{Nothing, SharingChoice},
    error::Code,
    journal::JournalCheck,
    privacy::PrivacyView,
};
use tauri::{State, WebviewWindow};
use tauri_plugin_dialog::{DialogExt, FilePath};

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn privacy(shell: State<'_, Shell>, args: Nothing) -> Answer<PrivacyView> {
    let Nothing {} = args;
    shell.app().await?.privacy().map_err(body)
}

#[tauri::command]
pub(super) async fn set_sharing(shell: State<'_, Shell>, args: SharingChoice) -> Answer<PrivacyView> {
    shell.app().await?.set_sharing(args.sharing).map_err(body)
}

#[tauri::command]
pub(super) async fn export_data(
    window: WebviewWindow,
    shell: State<'_, Shell>,
    args: Nothing,
) -> Answer<Option<String>> {
    let Nothing {} = args;
    let app = shell.app().await?;
    let (chosen, choice) = tokio::sync::oneshot::channel();
    let dialog = window.dialog().file().set_parent(&window).set_file_name("firstlight-export.jsonl");
    dialog.save_file(|file| {
        // Nobody waits any more if the window was closed meanwhile.
        let _ = chosen.send(file);
    });
    let file = choice.await.ok().flatten().map(FilePath::into_path).and_then(Result::ok);
    file.map(|file| export(&app, &file).map(|()| file.display().to_string())).transpose().map_err(body)
}

#[tauri::command]
pub(super) async fn delete_data(shell: State<'_, Shell>, args: Nothing) -> Answer<Nothing> {
    shell.app().await?.delete_everything().await.map(|()| args).map_err(body)
}

#[tauri::command]
pub(super) async fn verify_journal(shell: State<'_, Shell>, args: Nothing) -> Answer<JournalCheck> {
    let Nothing {} = args;
    shell.app().await?.verify_journal().await.map_err(body)
}

/// Beside its place first: what the person chose to replace is there until all of the new is.
fn export(app: &Firstlight, file: &Path) -> firstlight_app::Result<()> {
    let beside = PathBuf::from(format!("{}.part", file.display()));
    let cannot = |error: &io::Error| cannot_write(file, error);
    let written = File::create(&beside).map_err(|error| cannot(&error)).and_then(|mut out| {
        app.export(&mut out)?;
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
