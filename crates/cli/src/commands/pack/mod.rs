//! `firstlight pack`

mod diff;
mod export;
mod import;
mod init;
mod preview;
mod publishing;
mod surveys;
mod test;

use std::{path::Path, process::ExitCode};

use firstlight_app::{lint, pack_schema, provider_reference};

use crate::{args::Pack, output::Output, words};

pub(super) use self::test::confine;

pub(super) async fn run(command: Pack, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        Pack::Init { dir, title, from, persona, ci } => {
            init::run(&dir, init::Said { title, from, persona, ci }, output).await
        }
        Pack::Lint { dir, .. } => check(&dir, output),
        Pack::Preview { dir, persona, facts, input, .. } => {
            preview::run(&dir, &persona, facts.as_deref(), input, output)
        }
        Pack::Diff { old, new, .. } => diff::run(&old, &new, output),
        Pack::Import { from, format, into, json: _ } => import::run(&from, format.as_deref(), &into, output),
        Pack::Export { dir, to, persona } => export::run(&dir, persona.as_deref(), &to, output),
        Pack::Test { dir, persona, input, unconfined, inside, json: _ } => {
            test::run(test::Test { dir, persona, input, unconfined, inside }, output).await
        }
        Pack::Publishing(command) => publishing::run(command, output).await,
        Pack::Schema { markdown: true } => {
            output.raw(&provider_reference())?;
            Ok(ExitCode::SUCCESS)
        }
        Pack::Schema { markdown: false } => {
            output.value(&pack_schema())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(dir: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let found = lint(dir)?;
    if output.is_json() {
        output.value(&found.view)?;
    } else {
        let mut text = String::new();
        if !found.view.problems.is_empty() {
            miette::GraphicalReportHandler::new().render_report(&mut text, &found.report)?;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        output.raw(&text)?;
        let of = |severity: &str| {
            let count = found.view.problems.iter().filter(|problem| problem.severity == severity).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        output.line(format!(
            "{}, {}.",
            words::count(of("error"), "error", "errors"),
            words::count(of("warning"), "warning", "warnings")
        ))?;
    }
    Ok(if found.view.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
