//! The journey and its runs.

use firstlight_app::RunOptions;
use firstlight_contract::{
    commands::{Consent, Nothing},
    journey::JourneyView,
    report::ReportView,
};
use tauri::State;

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn start_run(shell: State<'_, Shell>, args: Consent) -> Answer<JourneyView> {
    shell.app().await?.start_run(&args, &RunOptions::default()).await.map_err(body)
}

#[tauri::command]
pub(super) async fn cancel_run(shell: State<'_, Shell>, args: Nothing) -> Answer<Nothing> {
    shell.app().await?.cancel_run().await;
    Ok(args)
}

#[tauri::command]
pub(super) async fn journey(shell: State<'_, Shell>, args: Nothing) -> Answer<JourneyView> {
    let Nothing {} = args;
    shell.app().await?.journey().map_err(body)
}

#[tauri::command]
pub(super) async fn leave_journey(shell: State<'_, Shell>, args: Nothing) -> Answer<Nothing> {
    shell.app().await?.leave_journey().map(|()| args).map_err(body)
}

#[tauri::command]
pub(super) async fn report(shell: State<'_, Shell>, args: Nothing) -> Answer<ReportView> {
    let Nothing {} = args;
    shell.app().await?.report().map_err(body)
}
