//! `firstlight undo`

use std::process::ExitCode;

use firstlight_app::{Access, AppError};

use super::{hub, open};
use crate::output::Output;

pub(super) async fn run(steps: &[String], all: bool, output: Output) -> anyhow::Result<ExitCode> {
    let app = open(Access::Change, output)?;
    let steps = if all { app.undoable()? } else { steps.to_vec() };
    if steps.is_empty() && !output.is_json() {
        output.line("There is nothing to take back.")?;
    }
    // One that cannot be taken back keeps none of the others.
    let mut kept = Vec::new();
    for step in &steps {
        match app.undo_step(step).await {
            Ok(_) if output.is_json() => {}
            Ok(_) => output.line(format!("  ↶ {step}: undone"))?,
            Err(error) => {
                if !output.is_json() {
                    output.line(format!("  ✗ {step}: not undone"))?;
                }
                kept.push(error);
            }
        }
    }
    if output.is_json() {
        output.value(&app.journey()?)?;
    }
    hub::deliver_briefly(&app).await;
    match failed(kept) {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(error.into()),
    }
}

/// What could not be taken back, and why: one error for all.
fn failed(mut kept: Vec<AppError>) -> Option<AppError> {
    if kept.len() == 1 {
        return kept.pop();
    }
    let why: Vec<&str> = kept.iter().map(|error| error.0.message.as_str()).collect();
    let error = AppError::new(kept.first()?.code(), why.join(" "));
    Some(error.hint("Mend what each says, then run the same command again; what was taken back stays so."))
}
