//! The one window.

use std::time::Duration;

use firstlight_app::Home;
use tauri::{
    App, AppHandle, Manager, Runtime, Url, WebviewWindow, WebviewWindowBuilder,
    plugin::TauriPlugin,
    webview::{NewWindowResponse, PageLoadEvent},
};
use tauri_plugin_window_state::StateFlags;

use crate::shell;

/// Its label, which the capability names.
pub(crate) const LABEL: &str = "main";

/// How long the first page may take before its window is shown without it.
const PATIENCE: Duration = Duration::from_secs(3);

/// Opens it, as `tauri.conf.json` describes it.
pub(crate) fn open(app: &App) -> tauri::Result<WebviewWindow> {
    let described = app.config().app.windows.iter().find(|window| window.label == LABEL);
    let described = described.ok_or(tauri::Error::WindowNotFound)?;
    let mut builder = WebviewWindowBuilder::from_config(app.handle(), described)?
        // Our pages and nothing else: what a pack links to opens in the person's browser.
        .on_navigation(is_ours)
        // Not before: to draw itself, the webview waits for its page, which waits for what we have to hand it. Neither
        // would move for half a second.
        .on_page_load(|window, page| {
            if page.event() == PageLoadEvent::Finished {
                show(&window);
            }
        })
        .on_new_window(|_, _| NewWindowResponse::Deny);
    // A webview that cannot write its folder does not start; without one it keeps to the platform's.
    let folder = shell::home().ok().map(|home| home.root().join("webview"));
    if let Some(folder) = folder.filter(|folder| std::fs::create_dir_all(folder).is_ok()) {
        builder = builder.data_directory(folder);
    }
    let window = builder.build()?;
    show_anyway(window.clone());
    Ok(window)
}

/// Shows a window that is not seen yet.
fn show(window: &WebviewWindow) {
    if !window.is_visible().unwrap_or(false)
        && let Err(error) = window.show()
    {
        tracing::warn!(%error, "the window cannot be shown");
    }
}

/// A page that does not come must not leave a person without a window.
fn show_anyway(window: WebviewWindow) {
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(PATIENCE).await;
        show(&window);
    });
}

/// Brings it to the front.
pub(crate) fn focus(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let done = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
    if let Err(error) = done {
        tracing::warn!(%error, "the window does not come to the front");
    }
}

/// Remembers size and place, in the home.
pub(crate) fn state<R: Runtime>(home: &Home) -> TauriPlugin<R> {
    tauri_plugin_window_state::Builder::default()
        .with_state_flags(
            StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED | StateFlags::FULLSCREEN,
        )
        // Joined to the platform's folder for configuration; an absolute path stays what it is.
        .with_filename(home.root().join("window.json").display().to_string())
        .build()
}

/// Whether an address is one of our own pages: `tauri://localhost`, or `http(s)://tauri.localhost` on Windows. A build
/// for development also has its server.
fn is_ours(url: &Url) -> bool {
    match (url.scheme(), url.host_str()) {
        ("tauri", Some("localhost")) | ("http" | "https", Some("tauri.localhost")) => true,
        ("http", Some("localhost")) => cfg!(dev) && url.port() == Some(1420),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d2_only_our_own_pages_are_shown() {
        let ours = |text: &str| is_ours(&text.parse().unwrap());
        assert!(ours("tauri://localhost/index.html#/today"));
        assert!(ours("http://tauri.localhost/"));
        for other in [
            "https://example.org/",
            "http://localhost:8080/",
            "https://tauri.localhost.example.org/",
            "tauri://elsewhere/",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:blank",
            "javascript:alert(1)",
        ] {
            assert!(!ours(other), "{other}");
        }
    }
}
