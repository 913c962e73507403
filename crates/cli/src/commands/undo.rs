//! `firstlight undo`

use std::process::ExitCode;

use firstlight_app::Access;

use super::open;
use crate::output::Output;

pub(super) async fn run(steps: &[String], all: bool, output: &Output) -> anyhow::Result<ExitCode> {
    let app = open(Access::Change)?;
    let steps = if all { app.undoable()? } else { steps.to_vec() };
    if steps.is_empty() {
        output.line("There is nothing to take back.")?;
    }
    for step in &steps {
        app.undo_step(step).await?;
        if !output.is_json() {
            output.line(format!("  ↶ {step}: undone"))?;
        }
    }
    if output.is_json() {
        output.value(&app.journey()?)?;
    }
    Ok(ExitCode::SUCCESS)
}
