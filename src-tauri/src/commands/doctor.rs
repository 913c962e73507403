//! How the machine is, and what of it can be set and taken back.

use firstlight_app::FixRequest;
use firstlight_contract::{
    commands::Nothing,
    doctor::{DoctorView, FixConsent, FixView},
};
use tauri::State;

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn doctor(shell: State<'_, Shell>, args: Nothing) -> Answer<DoctorView> {
    let Nothing {} = args;
    Ok(shell.app().await?.doctor().await)
}

#[tauri::command]
pub(super) async fn plan_fix(shell: State<'_, Shell>, args: Nothing) -> Answer<FixView> {
    let Nothing {} = args;
    shell.app().await?.plan_fix(&FixRequest::default()).await.map_err(body)
}

#[tauri::command]
pub(super) async fn fix(shell: State<'_, Shell>, args: FixConsent) -> Answer<DoctorView> {
    let app = shell.app().await?;
    app.fix(&FixRequest::default(), &args.consent).await.map_err(body)?;
    Ok(app.doctor().await)
}

#[tauri::command]
pub(super) async fn undo_fix(shell: State<'_, Shell>, args: Nothing) -> Answer<DoctorView> {
    let Nothing {} = args;
    let app = shell.app().await?;
    app.undo_fix().await.map_err(body)?;
    Ok(app.doctor().await)
}
