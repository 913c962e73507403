//! What advisories say of this machine and its projects.

use firstlight_app::ScanRequest;
use firstlight_contract::{
    advisories::{AcceptFinding, AdvisoryRef, ScanView},
    commands::Nothing,
    journey::JourneyView,
};
use tauri::{AppHandle, State};

use super::step::browse;
use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn scan(shell: State<'_, Shell>, args: Nothing) -> Answer<ScanView> {
    let Nothing {} = args;
    shell.app().await?.scan(&ScanRequest::default()).await.map_err(body)
}

#[tauri::command]
pub(super) async fn accept_finding(shell: State<'_, Shell>, args: AcceptFinding) -> Answer<JourneyView> {
    shell.app().await?.accept_finding(&args).map_err(body)
}

#[tauri::command]
pub(super) async fn open_advisory(
    app: AppHandle,
    shell: State<'_, Shell>,
    args: AdvisoryRef,
) -> Answer<Nothing> {
    let link = shell.app().await?.advisory_link(&args.advisory).map_err(body)?;
    browse(&app, &link)
}
