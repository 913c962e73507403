//! The app's own updates.

use firstlight_contract::{
    app_update::{AppUpdateConsent, AppUpdateView},
    commands::Nothing,
};
use tauri::{AppHandle, State};

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn app_update(shell: State<'_, Shell>, args: Nothing) -> Answer<AppUpdateView> {
    let Nothing {} = args;
    Ok(shell.updates.view(&shell.app().await?))
}

#[tauri::command]
pub(super) async fn check_app_update(shell: State<'_, Shell>, args: Nothing) -> Answer<AppUpdateView> {
    let Nothing {} = args;
    shell.updates.check(&shell.app().await?).await.map_err(body)
}

/// The next start is the new version, so that it comes at once; the journey goes on where it was.
#[tauri::command]
pub(super) async fn install_app_update(
    app: AppHandle,
    shell: State<'_, Shell>,
    args: AppUpdateConsent,
) -> Answer<AppUpdateView> {
    let installed = shell.updates.install(&shell.app().await?, &args.version).await.map_err(body)?;
    app.request_restart();
    Ok(installed)
}
