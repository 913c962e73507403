//! `firstlight`: the terminal twin of the desktop app, for servers, CI and admins. It parses a command line, calls one
//! use-case of `firstlight-app`, prints what comes back, and decides nothing.
//!
//! One more command: a variant in [`args::Command`] and a file in `commands/`.

mod args;
mod commands;
mod live;
mod output;
mod stop;
mod words;
mod wrap;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Not a command: our own program, with administrator rights, for a run that goes on elsewhere.
    if std::env::args_os().skip(1).eq([firstlight_app::ADMINISTRATOR_SESSION]) {
        return firstlight_app::administrator_session();
    }
    let cli = match args::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let output = output::Output::new(cli.wants_json());
    match commands::run(cli, output) {
        Ok(code) => code,
        Err(error) => output.fail(&error),
    }
}
