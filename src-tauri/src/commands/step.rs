//! One step.

use firstlight_app::AppError;
use firstlight_contract::{
    commands::{LogRange, Nothing, StepRef},
    error::Code,
    journey::{JourneyView, LogPage, StepDetail},
};
use tauri::{AppHandle, State, Url};
use tauri_plugin_opener::OpenerExt;

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn step(shell: State<'_, Shell>, args: StepRef) -> Answer<StepDetail> {
    shell.app().await?.step(&args.step).map_err(body)
}

#[tauri::command]
pub(super) async fn step_log(shell: State<'_, Shell>, args: LogRange) -> Answer<LogPage> {
    shell.app().await?.step_log(&args.step, args.first, args.count).map_err(body)
}

#[tauri::command]
pub(super) async fn retry_step(shell: State<'_, Shell>, args: StepRef) -> Answer<JourneyView> {
    shell.app().await?.retry_step(&args.step).await.map_err(body)
}

#[tauri::command]
pub(super) async fn complete_action(shell: State<'_, Shell>, args: StepRef) -> Answer<JourneyView> {
    shell.app().await?.complete_action(&args.step).await.map_err(body)
}

#[tauri::command]
pub(super) async fn follow_up_done(shell: State<'_, Shell>, args: StepRef) -> Answer<JourneyView> {
    shell.app().await?.follow_up_done(&args.step).map_err(body)
}

#[tauri::command]
pub(super) async fn open_link(app: AppHandle, shell: State<'_, Shell>, args: StepRef) -> Answer<Nothing> {
    let link = shell.app().await?.link(&args.step).map_err(body)?;
    browse(&app, &link)
}

/// Opens an address in the system's browser.
pub(super) fn browse(app: &AppHandle, link: &str) -> Answer<Nothing> {
    if !is_web(link) {
        return Err(body(
            AppError::new(Code::StepState, format!("`{link}` is no address of the web."))
                .hint("Only http and https addresses are opened; tell the pack's owner."),
        ));
    }
    app.opener().open_url(link, None::<&str>).map(|()| Nothing {}).map_err(|error| {
        body(
            AppError::new(Code::ProgramMissing, format!("No browser could be opened: {error}."))
                .hint(format!("Open {link} yourself.")),
        )
    })
}

#[tauri::command]
pub(super) async fn undo_step(shell: State<'_, Shell>, args: StepRef) -> Answer<JourneyView> {
    shell.app().await?.undo_step(&args.step).await.map_err(body)
}

/// Whether a browser is who opens it. The system opens files and programs with the same call.
fn is_web(link: &str) -> bool {
    link.parse::<Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::is_web;

    #[test]
    fn only_addresses_of_the_web_are_opened() {
        assert!(is_web("https://example.org/path?x=1"));
        assert!(is_web("http://127.0.0.1:8080/"));
        for other in
            ["file:///etc/passwd", "/bin/sh", "javascript:alert(1)", "smb://host/share", "-h", "vscode://x"]
        {
            assert!(!is_web(other), "{other}");
        }
    }
}
