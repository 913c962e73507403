//! `firstlight pack`

mod diff;
mod preview;
mod publishing;

use std::{path::Path, process::ExitCode};

use firstlight_app::{lint, pack_schema, provider_reference, start_pack};

use crate::{args::Pack, output::Output, words};

pub(super) async fn run(command: Pack, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        Pack::Init { dir, title, persona } => init(&dir, &title, &persona, output),
        Pack::Lint { dir, .. } => check(&dir, output),
        Pack::Preview { dir, persona, facts, input, .. } => {
            preview::run(&dir, &persona, facts.as_deref(), input, output)
        }
        Pack::Diff { old, new, .. } => diff::run(&old, &new, output),
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

fn init(dir: &Path, title: &str, persona: &str, output: Output) -> anyhow::Result<ExitCode> {
    for file in start_pack(dir, title, persona)? {
        output.line(format!("wrote {}", file.display()))?;
    }
    output.line(format!("Next: firstlight pack lint {}", dir.display()))?;
    Ok(ExitCode::SUCCESS)
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
