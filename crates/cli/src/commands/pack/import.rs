//! `firstlight pack import`

use std::{path::Path, process::ExitCode};

use firstlight_app::import;

use crate::{output::Output, words};

pub(super) fn run(
    from: &Path,
    format: Option<&str>,
    into: &Path,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let view = import(from, format, into)?;
    if output.is_json() {
        output.value(&view)?;
        return Ok(ExitCode::SUCCESS);
    }
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    for source in &view.sources {
        output.line(format!("read {} ({})", source.file, source.format))?;
    }
    for file in &view.files {
        output.line(format!("wrote {file}"))?;
    }
    output.line(format!("\n{}:", words::count(count(view.steps.len()), "step", "steps")))?;
    for step in &view.steps {
        output.line(format!("  {} \u{1b}[2m({})\u{1b}[0m", step.title, step.id))?;
    }
    if !view.left_out.is_empty() {
        output.line("\n\u{1b}[1mNot carried over\u{1b}[0m")?;
        for left in &view.left_out {
            output.line(format!("  {}:{} {}: {}", left.file, left.line, left.entry, left.reason))?;
        }
    }
    output
        .line(format!("\nNext: firstlight pack lint {0}, then firstlight pack test {0}", into.display()))?;
    Ok(ExitCode::SUCCESS)
}
