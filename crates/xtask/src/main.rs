//! `cargo xtask`: what a contributor and CI type. It runs programs in the right order and says which one failed.
//!
//! It refuses to know how Firstlight works and how a machine is prepared: the latter is the pack
//! `assets/packs/contribute`, done by the project's own engine. It depends on none of our crates and on little else, so
//! that it compiles in seconds on a machine that has nothing yet.
//!
//! One more command: a file here with a `USAGE` line and a `run`, and an arm in [`dispatch`].

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "xtask speaks to the terminal it was typed in"
)]

mod args;
mod bench;
mod bundle;
mod check;
mod conformance;
mod contributor;
mod direction;
mod dist;
mod fuzz;
mod generate;
mod run;
mod session;
mod sh;
mod stages;
mod test;
#[cfg(test)]
mod workflows;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprint!("{}", usage());
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("\ncargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command; `false` when there is none of that name.
fn dispatch(words: &[String]) -> Result<bool> {
    let Some((command, rest)) = words.split_first() else { return Ok(false) };
    match command.as_str() {
        "run" => run::run(&Workspace::find()?, rest)?,
        "test" => test::run(&Workspace::find()?, rest)?,
        "bench" => bench::run(&Workspace::find()?, rest)?,
        "conformance" => conformance::run(&Workspace::find()?, rest)?,
        "fuzz" => fuzz::run(&Workspace::find()?, rest)?,
        "dist" => dist::run(&Workspace::find()?, rest)?,
        "gen" => generate::run(&Workspace::find()?, rest)?,
        "check" => check::run(&Workspace::find()?, rest)?,
        // What `bench checks` compares the engine with; not for people.
        "spawn-checks" => bench::spawn::run(rest)?,
        "help" | "--help" | "-h" => print!("{}", usage()),
        _ => return Ok(false),
    }
    Ok(true)
}

fn usage() -> String {
    let mut text = String::from("Usage: cargo xtask COMMAND\n\n");
    for line in [
        run::USAGE,
        test::USAGE,
        check::USAGE,
        generate::USAGE,
        dist::USAGE,
        fuzz::USAGE,
        conformance::USAGE,
        bench::USAGE,
    ] {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text
}
