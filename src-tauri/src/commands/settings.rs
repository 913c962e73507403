//! What the person chose.

use firstlight_contract::settings::Settings;
use tauri::State;

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn save_settings(shell: State<'_, Shell>, args: Settings) -> Answer<Settings> {
    shell.app().await?.save_settings(&args).map_err(body)
}
