//! The smallest Tauri window: what Firstlight's start and memory are measured against. Like the app (see
//! `src-tauri/src/start.rs`), it says on standard error when its page could be used.

use std::{
    io::Write,
    sync::mpsc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tauri::{Manager, WebviewWindow};

const ASK: &str =
    "performance.getEntriesByName('interactive').map((mark) => performance.timeOrigin + mark.startTime)[0]";

fn main() -> tauri::Result<()> {
    let started = Instant::now();
    tauri::Builder::default()
        .setup(move |app| {
            if let Some(window) = app.get_webview_window("main") {
                thread::spawn(move || trace(&window, started));
            }
            Ok(())
        })
        .run(tauri::generate_context!())
}

fn trace(window: &WebviewWindow, started: Instant) {
    let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else { return };
    let began = (now.as_secs_f64() - started.elapsed().as_secs_f64()) * 1_000.0;
    let (found, answer) = mpsc::channel();
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
}
