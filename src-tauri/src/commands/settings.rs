//! What the person chose, and how the machine is.

use firstlight_contract::{commands::Nothing, doctor::DoctorView, settings::Settings};
use tauri::State;

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn doctor(shell: State<'_, Shell>, args: Nothing) -> Answer<DoctorView> {
    let Nothing {} = args;
    Ok(shell.app().await?.doctor().await)
}

#[tauri::command]
pub(super) async fn save_settings(shell: State<'_, Shell>, args: Settings) -> Answer<Settings> {
    shell.app().await?.save_settings(&args).map_err(body)
}
