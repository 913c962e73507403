//! What a person hands to whoever helps them: shown first, kept only where they say.

use firstlight_contract::{
    commands::{Nothing, StepRef},
    doctor::HelpBundle,
};
use tauri::{State, WebviewWindow};

use super::save;
use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn help_bundle(shell: State<'_, Shell>, args: StepRef) -> Answer<HelpBundle> {
    let app = shell.app().await?;
    app.help_bundle(env!("CARGO_PKG_VERSION"), Some(&args.step)).await.map_err(body)
}

#[tauri::command]
pub(super) async fn save_help_bundle(
    window: WebviewWindow,
    shell: State<'_, Shell>,
    args: Nothing,
) -> Answer<Option<String>> {
    let Nothing {} = args;
    let app = shell.app().await?;
    save::where_chosen(&window, "firstlight-help.md", |out| app.write_help_bundle(out)).await
}
