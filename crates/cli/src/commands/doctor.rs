//! `firstlight doctor`

use std::{path::Path, process::ExitCode};

use firstlight_app::{Access, AppError, FixRequest};
use firstlight_contract::{
    doctor::{FindingLevel, FixView},
    error::Code,
    settings::Settings,
};

use super::{ask, open, plan, use_pack};
use crate::output::Output;

/// What is found. `administrator`: what the person says of their rights, kept first.
pub(super) async fn run(
    pack: Option<&Path>,
    administrator: Option<bool>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let app = open(if administrator.is_some() { Access::Change } else { Access::Read }, output)?;
    if let Some(administrator) = administrator {
        app.save_settings(&Settings { administrator, ..app.settings() })?;
    }
    use_pack(&app, pack, output)?;
    let found = app.doctor().await;
    if output.is_json() {
        output.value(&found)?;
    } else {
        for finding in &found.findings {
            let (sign, colour) = match finding.level {
                FindingLevel::Ok => ("✓", 32),
                FindingLevel::Warn => ("!", 33),
                FindingLevel::Bad => ("✗", 31),
                FindingLevel::Unknown => ("?", 2),
            };
            output.line(format!("\u{1b}[{colour}m{sign}\u{1b}[0m {}: {}", finding.title, finding.found))?;
            if let Some(hint) = &finding.hint {
                output.line(format!("    hint: {hint}"))?;
            }
        }
    }
    Ok(if found.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `--fix`: what would be set, the question, and doing it.
pub(super) async fn fix(request: &FixRequest, yes: bool, output: Output) -> anyhow::Result<ExitCode> {
    let app = open(Access::Change, output)?;
    let found = app.plan_fix(request).await?;
    if !output.is_json() {
        show(&found, &app.facts().home, output)?;
    }
    let anything = !plan::nothing_to_do(&found.plan);
    if anything {
        if !yes && !agrees(output).await? {
            output.line("Nothing was set.")?;
            return Ok(ExitCode::FAILURE);
        }
        app.fix(request, &found.plan.consent).await?;
    }
    if output.is_json() {
        output.value(&found)?;
    } else if anything {
        output.line("Set. `firstlight doctor --undo` takes it back.")?;
    }
    Ok(if found.kept.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(found: &FixView, home: &str, output: Output) -> anyhow::Result<()> {
    for step in &found.plan.steps {
        plan::show_step(step, home, output)?;
    }
    if plan::nothing_to_do(&found.plan) {
        output.line("There is nothing to set.")?;
    }
    for why in &found.kept {
        output.line(format!("\u{1b}[33m!\u{1b}[0m {why}"))?;
    }
    if !found.kept.is_empty() {
        output.line("    hint: What you set yourself is not changed: change or remove it.")?;
    }
    Ok(())
}

async fn agrees(output: Output) -> anyhow::Result<bool> {
    if output.is_interactive() {
        return ask("Set this?", output).await;
    }
    let error = AppError::new(Code::Usage, "Nobody is there to agree.")
        .hint("Run `firstlight doctor --fix --yes` once you know what it would set.");
    Err(error.into())
}

/// `--undo`
pub(super) async fn undo(output: Output) -> anyhow::Result<ExitCode> {
    let app = open(Access::Change, output)?;
    let undone = app.undo_fix().await?;
    if output.is_json() {
        output.value(&serde_json::json!({ "undone": undone }))?;
    } else {
        output.line(if undone { "Taken back." } else { "There is nothing to take back." })?;
    }
    Ok(ExitCode::SUCCESS)
}
