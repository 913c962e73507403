//! `FIRSTLIGHT_TRACE_START=1`: says on standard error when the window could be used, for `cargo xtask bench`.
//!
//! The page marks the first frame that shows an answer (`performance.mark('interactive')`); here it is only asked for
//! the mark, so that asking takes no part in what is measured. `tests/bare-window` does the same.

use std::{
    io::Write,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tauri::WebviewWindow;

/// Milliseconds since 1970 of the mark, or nothing yet.
const ASK: &str =
    "performance.getEntriesByName('interactive').map((mark) => performance.timeOrigin + mark.startTime)[0]";

/// Asks every few milliseconds until there is an answer, if the environment wants it.
pub(crate) fn trace(window: &WebviewWindow, started: Instant) {
    if std::env::var_os("FIRSTLIGHT_TRACE_START").is_none_or(|wanted| wanted != "1") {
        return;
    }
    let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else { return };
    let began = (now.as_secs_f64() - started.elapsed().as_secs_f64()) * 1_000.0;
    let window = window.clone();
    std::thread::spawn(move || {
        let (found, answer) = std::sync::mpsc::channel();
        loop {
            let found = found.clone();
            let asked = window.eval_with_callback(ASK, move |at| {
                if let Ok(at) = at.parse::<f64>() {
                    // Nobody listens any more once the first was heard.
                    let _ = found.send(at);
                }
            });
            if asked.is_err() {
                return;
            }
            if let Ok(at) = answer.recv_timeout(Duration::from_millis(20)) {
                // Whoever wanted the number and closed the pipe does not want it any more.
                let _ = writeln!(std::io::stderr(), "interactive {:.0}", at - began);
                return;
            }
        }
    });
}
