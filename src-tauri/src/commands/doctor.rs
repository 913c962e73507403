//! How the machine is, and what of it can be set and taken back.

use firstlight_app::FixRequest;
use firstlight_contract::{
    commands::Nothing,
    doctor::{DoctorView, FixAsked, FixConsent, FixView},
};
use tauri::{State, WebviewWindow};
use tauri_plugin_dialog::{DialogExt, FilePath};

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn doctor(shell: State<'_, Shell>, args: Nothing) -> Answer<DoctorView> {
    let Nothing {} = args;
    Ok(shell.app().await?.doctor().await)
}

#[tauri::command]
pub(super) async fn choose_certificates(
    window: WebviewWindow,
    shell: State<'_, Shell>,
    args: Nothing,
) -> Answer<Option<FixView>> {
    let Nothing {} = args;
    let (chosen, choice) = tokio::sync::oneshot::channel();
    window.dialog().file().set_parent(&window).pick_file(|file| {
        // Nobody waits any more if the window was closed meanwhile.
        let _ = chosen.send(file);
    });
    let Some(file) = choice.await.ok().flatten().map(FilePath::into_path).and_then(Result::ok) else {
        return Ok(None);
    };
    *shell.certificates() = Some(file);
    planned(&shell).await.map(Some)
}

#[tauri::command]
pub(super) async fn plan_fix(shell: State<'_, Shell>, args: FixAsked) -> Answer<FixView> {
    if !args.chosen_certificates {
        *shell.certificates() = None;
    }
    planned(&shell).await
}

#[tauri::command]
pub(super) async fn fix(shell: State<'_, Shell>, args: FixConsent) -> Answer<DoctorView> {
    let app = shell.app().await?;
    app.fix(&request(&shell), &args.consent).await.map_err(body)?;
    Ok(app.doctor().await)
}

async fn planned(shell: &Shell) -> Answer<FixView> {
    shell.app().await?.plan_fix(&request(shell)).await.map_err(body)
}

/// What the doctor goes by: the certificates that were chosen, if any were, and this machine.
fn request(shell: &Shell) -> FixRequest {
    FixRequest { ca: shell.certificates().clone(), ..FixRequest::default() }
}

#[tauri::command]
pub(super) async fn undo_fix(shell: State<'_, Shell>, args: Nothing) -> Answer<DoctorView> {
    let Nothing {} = args;
    let app = shell.app().await?;
    app.undo_fix().await.map_err(body)?;
    Ok(app.doctor().await)
}
