//! What would happen.

use firstlight_contract::{commands::Choice, plan::PlanView};
use tauri::State;

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn make_plan(shell: State<'_, Shell>, args: Choice) -> Answer<PlanView> {
    shell.app().await?.make_plan(&args).await.map_err(body)
}
