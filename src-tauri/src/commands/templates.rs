//! Projects that templates made.

use firstlight_contract::{commands::Nothing, templates::TemplatesView};
use tauri::State;

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn templates(shell: State<'_, Shell>, args: Nothing) -> Answer<TemplatesView> {
    let Nothing {} = args;
    shell.app().await?.templates(None).await.map_err(body)
}
