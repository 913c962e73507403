//! Which pack.

use firstlight_contract::{commands::Nothing, pack::PackOverview};
use tauri::{State, WebviewWindow};
use tauri_plugin_dialog::{DialogExt, FilePath};

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn choose_pack(
    window: WebviewWindow,
    shell: State<'_, Shell>,
    args: Nothing,
) -> Answer<Option<PackOverview>> {
    let Nothing {} = args;
    let app = shell.app().await?;
    let (chosen, choice) = tokio::sync::oneshot::channel();
    window.dialog().file().set_parent(&window).pick_folder(|folder| {
        // Nobody waits any more if the window was closed meanwhile.
        let _ = chosen.send(folder);
    });
    let folder = choice.await.ok().flatten().map(FilePath::into_path).and_then(Result::ok);
    folder.map(|folder| app.open_pack(&folder).map_err(body)).transpose()
}

#[tauri::command]
pub(super) async fn use_sample(shell: State<'_, Shell>, args: Nothing) -> Answer<PackOverview> {
    let Nothing {} = args;
    shell.app().await?.open_pack(shell.sample()).map_err(body)
}

#[tauri::command]
pub(super) async fn use_release(shell: State<'_, Shell>, args: Nothing) -> Answer<PackOverview> {
    let Nothing {} = args;
    shell.app().await?.open_received_pack().map_err(body)
}
