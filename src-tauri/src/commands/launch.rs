//! The first paint, and the way back.

use firstlight_contract::{
    commands::{Nothing, Notice},
    settings::Launch,
};
use tauri::{State, ipc::Channel};

use crate::shell::{Answer, Shell};

#[tauri::command]
pub(super) async fn launch(shell: State<'_, Shell>, args: Nothing) -> Answer<Launch> {
    let Nothing {} = args;
    shell.launch().await
}

/// From now on, what the core says unasked goes to this channel.
#[tauri::command]
pub(super) async fn subscribe(shell: State<'_, Shell>, channel: Channel<Notice>) -> Answer<()> {
    shell.notices.connect(channel);
    Ok(())
}
