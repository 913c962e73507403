//! `firstlight status`

use std::process::ExitCode;

use firstlight_app::Access;
use firstlight_contract::journey::{JourneyView, StepStateView};

use super::open;
use crate::{output::Output, words};

pub(super) fn run(output: &Output) -> anyhow::Result<ExitCode> {
    let app = open(Access::Read)?;
    let journey = app.journey()?;
    if output.is_json() {
        output.value(&journey)?;
    } else {
        show(&journey, output)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(journey: &JourneyView, output: &Output) -> anyhow::Result<()> {
    output.line(format!("\u{1b}[1m{}\u{1b}[0m: {}", journey.title, journey.persona_title))?;
    for stage in &journey.stages {
        output.line(format!("\n{} ({} of {})", stage.title, stage.done, stage.total))?;
        for step in journey.steps.iter().filter(|step| step.stage == stage.id) {
            let (sign, word) = words::state(&step.state);
            output.line(format!(
                "  {sign} {} \u{1b}[2m({})\u{1b}[0m: {word}{}",
                step.title,
                step.id,
                more(&step.state)
            ))?;
        }
    }
    if journey.reached_at.is_none() && !journey.critical_path.is_empty() {
        output.line(format!("\nThe way to first value: {}", journey.critical_path.join(" → ")))?;
    }
    if let Some(next) = &journey.next {
        output.line(format!("Next: {}", next.step))?;
    }
    Ok(())
}

fn more(state: &StepStateView) -> String {
    match state {
        StepStateView::Waiting { waiting_for, since, sla } => {
            let sla = sla.as_deref().map_or_else(String::new, |sla| format!(", promised within {sla}"));
            format!(" for {waiting_for} since {since}{sla}")
        }
        StepStateView::Failed { cause, .. } => format!(", {cause}"),
        StepStateView::Blocked { by, reason } => {
            let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
            format!("{by}{}", reason.as_deref().map_or_else(String::new, |reason| format!(", {reason}")))
        }
        StepStateView::Unknown { reason } | StepStateView::Skipped { reason } => format!(", {reason}"),
        StepStateView::Pending
        | StepStateView::Ready
        | StepStateView::Running { .. }
        | StepStateView::Satisfied { .. }
        | StepStateView::Changed { .. }
        | StepStateView::Undone => String::new(),
    }
}
