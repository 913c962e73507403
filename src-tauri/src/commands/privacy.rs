//! What is known here, what leaves, and the person's decisions about it.

use firstlight_contract::{
    commands::{Nothing, SharingChoice},
    journal::JournalCheck,
    privacy::{HubAsked, PrivacyView},
    requests::AskingName,
};
use tauri::{State, WebviewWindow};

use super::save;
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
pub(super) async fn join_hub(shell: State<'_, Shell>, args: HubAsked) -> Answer<PrivacyView> {
    let app = shell.app().await?;
    app.join_hub(&args).await.map_err(body)?;
    app.privacy().map_err(body)
}

#[tauri::command]
pub(super) async fn leave_hub(shell: State<'_, Shell>, args: Nothing) -> Answer<PrivacyView> {
    let Nothing {} = args;
    let app = shell.app().await?;
    app.leave_hub().await.map_err(body)?;
    app.privacy().map_err(body)
}

#[tauri::command]
pub(super) async fn ask_as(shell: State<'_, Shell>, args: AskingName) -> Answer<PrivacyView> {
    shell.app().await?.ask_as(&args).map_err(body)
}

#[tauri::command]
pub(super) async fn send_events(shell: State<'_, Shell>, args: Nothing) -> Answer<PrivacyView> {
    let Nothing {} = args;
    let app = shell.app().await?;
    app.deliver().await.map_err(body)?;
    app.privacy().map_err(body)
}

#[tauri::command]
pub(super) async fn export_data(
    window: WebviewWindow,
    shell: State<'_, Shell>,
    args: Nothing,
) -> Answer<Option<String>> {
    let Nothing {} = args;
    let app = shell.app().await?;
    save::where_chosen(&window, "firstlight-export.jsonl", |out| app.export(out)).await
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
