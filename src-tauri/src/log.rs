//! The app's own log: `logs/desktop.<day>.log` in the home, a week of it. Never a secret: nothing that passes through
//! here is an argument of a command.

use std::{
    io,
    path::Path,
    sync::{Mutex, PoisonError},
};

use firstlight_app::Home;
use tauri::{AppHandle, Manager};
use tracing_appender::{
    non_blocking::WorkerGuard,
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::EnvFilter;

/// Keeps the log being written; what waits is written when it goes.
pub(crate) struct Log(Mutex<Option<WorkerGuard>>);

/// Starts it. `FIRSTLIGHT_LOG` says how much, as in the terminal. Where the home cannot be written, to standard error.
pub(crate) fn start(home: &Home) -> Log {
    let filter = EnvFilter::try_from_env("FIRSTLIGHT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let guard = match file(&home.root().join("logs")) {
        Ok(file) => {
            let (writer, guard) = tracing_appender::non_blocking(file);
            tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer).init();
            Some(guard)
        }
        Err(error) => {
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
            tracing::warn!(%error, "the log cannot be kept in the home");
            None
        }
    };
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!(%panic, "this should not have happened");
        before(panic);
    }));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    Log(Mutex::new(guard))
}

fn file(folder: &Path) -> anyhow::Result<RollingFileAppender> {
    // Made here: looking for old logs in a folder that is not there yet is an error to the appender.
    std::fs::create_dir_all(folder)?;
    let daily = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(7);
    Ok(daily.filename_prefix("desktop").filename_suffix("log").build(folder)?)
}

/// Writes what still waits: the program ends without dropping anything.
pub(crate) fn finish(app: &AppHandle) {
    if let Some(log) = app.try_state::<Log>() {
        drop(log.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
