//! The pack's documents.

use firstlight_app::AppError;
use firstlight_contract::{
    commands::Nothing,
    docs::{DocAddress, DocRef, DocView, DocsFound, DocsQuery, DocsView},
    error::Code,
};
use tauri::{AppHandle, State};
use tauri_plugin_opener::OpenerExt;

use crate::shell::{Answer, Shell, body};

#[tauri::command]
pub(super) async fn docs(shell: State<'_, Shell>, args: Nothing) -> Answer<DocsView> {
    let Nothing {} = args;
    shell.app().await?.docs(None).map_err(body)
}

#[tauri::command]
pub(super) async fn doc(shell: State<'_, Shell>, args: DocRef) -> Answer<DocView> {
    shell.app().await?.doc(None, &args.document).map_err(body)
}

#[tauri::command]
pub(super) async fn search_docs(shell: State<'_, Shell>, args: DocsQuery) -> Answer<DocsFound> {
    shell.app().await?.search_docs(None, &args.words).map_err(body)
}

/// The core gives back only what the document names, and documents name only `https:` and `mailto:`.
#[tauri::command]
pub(super) async fn open_doc_link(
    app: AppHandle,
    shell: State<'_, Shell>,
    args: DocAddress,
) -> Answer<Nothing> {
    let link = shell.app().await?.doc_link(&args.document, &args.url).map_err(body)?;
    app.opener().open_url(&link, None::<&str>).map(|()| Nothing {}).map_err(|error| {
        body(
            AppError::new(Code::ProgramMissing, format!("No program could be opened: {error}."))
                .hint(format!("Open {link} yourself.")),
        )
    })
}
