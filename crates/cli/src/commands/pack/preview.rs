//! `firstlight pack preview`

use std::{path::Path, process::ExitCode};

use firstlight_app::preview;
use firstlight_contract::plan::{Outcome, PlanView};

use super::{super::plan, surveys};
use crate::output::Output;

pub(super) fn run(
    dir: &Path,
    persona: &str,
    facts: Option<&Path>,
    input: Vec<(String, String)>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let (view, facts) = preview(dir, persona, facts, &input.into_iter().collect())?;
    if output.is_json() {
        output.value(&view)?;
    } else {
        let manager = facts.package_manager.map(|found| format!(", {found:?}").to_lowercase());
        output.line(format!(
            "As `{persona}` on {} {}{}. Nothing was looked at.",
            facts.distribution,
            facts.arch,
            manager.unwrap_or_default()
        ))?;
        show(&view.plan, &facts.home, output)?;
        surveys::show(&view.surveys, output)?;
    }
    Ok(if view.plan.summary.blocked == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// By stage, in the order a person sees.
fn show(view: &PlanView, home: &str, output: Output) -> anyhow::Result<()> {
    output.line(plan::road(view))?;
    output.line(plan::asks(&view.asks))?;
    let mut stage = None;
    for step in &view.steps {
        if stage != Some(&step.stage) {
            output.line(format!("\n\u{1b}[1m{}\u{1b}[0m", step.stage))?;
            stage = Some(&step.stage);
        }
        plan::show_step(step, home, output)?;
        match step.outcome {
            Outcome::Blocked => output.line("      \u{1b}[31mcannot be done on such a machine\u{1b}[0m")?,
            Outcome::Ok => output.line("      \u{1b}[2mnot for such a machine\u{1b}[0m")?,
            Outcome::WillChange | Outcome::Unknown => {}
        }
    }
    Ok(())
}
