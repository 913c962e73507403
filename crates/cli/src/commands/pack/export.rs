//! `firstlight pack export`

use std::{path::Path, process::ExitCode};

use firstlight_app::export;

use crate::output::Output;

pub(super) fn run(dir: &Path, persona: Option<&str>, to: &str, output: Output) -> anyhow::Result<ExitCode> {
    output.raw(&export(dir, persona, to)?)?;
    Ok(ExitCode::SUCCESS)
}
