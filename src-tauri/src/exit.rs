//! The end: whoever closes the window, logs out or ends the program leaves no process of a step behind.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tauri::{AppHandle, ExitRequestApi, Manager};

use crate::shell::Shell;

/// How long a run may take to end. The engine ends its processes within a second; after this, the system ends them.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the run was seen to, so that the second request is let through.
static SEEN_TO: AtomicBool = AtomicBool::new(false);

/// The last window was closed, or the system asks: ends a run first. Nothing is lost; the journey goes on next time.
pub(crate) fn asked(app: &AppHandle, api: &ExitRequestApi) {
    if SEEN_TO.swap(true, Ordering::SeqCst) {
        return;
    }
    api.prevent_exit();
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let ended = tokio::time::timeout(PATIENCE, async {
            if let Some(open) = app.state::<Shell>().opened().await {
                open.cancel_run().await;
            }
        });
        if ended.await.is_err() {
            tracing::error!("the run did not end in time");
        }
        app.exit(0);
    });
}

/// A polite request to end is the same as closing the window.
#[cfg(unix)]
pub(crate) fn on_signals(app: &AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};

    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            match signal(kind) {
                Ok(mut asked) => {
                    if asked.recv().await.is_some() {
                        app.exit(0);
                    }
                }
                Err(error) => tracing::warn!(%error, "a signal will end the program at once"),
            }
        });
    }
}

/// Windows ends a session by closing the windows.
#[cfg(not(unix))]
pub(crate) fn on_signals(_app: &AppHandle) {}
