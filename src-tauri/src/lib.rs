//! The desktop shell: one window, its commands, links, logs. It translates between the window and `firstlight-app` and
//! never decides: a command unpacks its argument, calls one use-case and maps the error.
//!
//! What it refuses to know: what a step is, what may be done when, how anything is stored. The webview in turn can reach
//! nothing but the commands of `firstlight_contract::commands` (see `capabilities/`) and the pictures of the pack's documents
//! (`images`): no plugin, no other file, no other page.
//!
//! One more command: declare it in the contract, add a function of its name to the file of its kin in `commands/`, the
//! name to the list in `commands/mod.rs`, and its permission to `capabilities/main.json`; tests fail until all agree.

mod args;
mod commands;
mod exit;
mod graphics;
mod images;
mod link;
mod log;
mod notices;
mod shell;
mod start;
mod updater;
mod window;

use std::{ffi::OsString, process::ExitCode, time::Instant};

use clap::Parser;
use tauri::{App, Context, Manager, RESTART_EXIT_CODE, RunEvent};

use crate::{args::Args, notices::Notices, shell::Shell};

/// Runs the app until its window is closed. `started` is when the process began, for [`start`].
pub fn run(started: Instant) -> ExitCode {
    // Not the app: its program, with administrator rights, for a run that goes on elsewhere.
    if std::env::args_os().skip(1).eq([firstlight_app::ADMINISTRATOR_SESSION]) {
        return firstlight_app::administrator_session();
    }
    choose_cryptography();
    graphics::choose();
    let args = match Args::try_parse() {
        Ok(args) => args,
        // `--version` and `--help` too: answered before a display is needed.
        Err(told) => {
            // Nobody can be told that they cannot be told.
            let _ = told.print();
            return ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2));
        }
    };
    match build(args, started) {
        Ok(app) => {
            app.run(on_event);
            ExitCode::SUCCESS
        }
        Err(error) => {
            use std::io::Write;
            // There is no window to say it in.
            let _ = writeln!(std::io::stderr(), "Firstlight cannot open its window: {error}.");
            ExitCode::FAILURE
        }
    }
}

fn build(args: Args, started: Instant) -> tauri::Result<App> {
    let home = shell::home();
    let mut builder = tauri::Builder::default()
        // First: a second instance hands over what it was asked for and ends before it touches anything.
        .plugin(tauri_plugin_single_instance::init(|app, words, folder| {
            window::focus(app);
            let words = words.into_iter().map(OsString::from);
            match Args::try_parse_from(words) {
                Ok(args) => link::open(app, &args.from(folder.as_ref())),
                Err(error) => tracing::warn!(%error, "a second instance was started with words nobody knows"),
            }
        }))
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build())
        .plugin(tauri_plugin_updater::Builder::new().build())
        .register_asynchronous_uri_scheme_protocol(images::SCHEME, |context, request, responder| {
            images::serve(&context, request, responder);
        })
        .invoke_handler(commands::handler());
    if let Ok(home) = &home {
        builder = builder.plugin(window::state(home));
    }
    builder
        .setup(move |app| {
            if let Ok(home) = &home {
                app.manage(log::start(home));
            }
            let notices = Notices::default();
            app.manage(Shell::new(app.handle(), home, &args, notices));
            // The data folder is opened while the webview starts.
            let handle = app.handle().clone();
            tauri::async_runtime::spawn(async move { handle.state::<Shell>().open_early().await });
            let window = window::open(app)?;
            link::listen(app.handle());
            // `--pack` is what the first screen shows anyway.
            link::open(app.handle(), &Args { pack: None, ..args });
            exit::on_signals(app.handle());
            start::trace(&window, started);
            Ok(())
        })
        .build(context())
}

/// The configuration, the pages and the permissions, as they were when this was built.
fn context() -> Context {
    tauri::generate_context!()
}

/// The updater's plugin brings a second provider of cryptography; rustls wants to be told which one counts, before anybody
/// connects.
fn choose_cryptography() {
    // One that was chosen already stays.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

fn on_event(app: &tauri::AppHandle, event: RunEvent) {
    match event {
        // A new version is in place, which was waited for until no run went on.
        RunEvent::ExitRequested { code: Some(RESTART_EXIT_CODE), .. } => {}
        RunEvent::ExitRequested { api, .. } => exit::asked(app, &api),
        RunEvent::Exit => log::finish(app),
        _ => {}
    }
}
