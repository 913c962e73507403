//! `firstlight doctor`

use std::{path::Path, process::ExitCode};

use firstlight_app::Access;
use firstlight_contract::doctor::FindingLevel;

use super::{open, use_pack};
use crate::output::Output;

pub(super) async fn run(pack: Option<&Path>, output: Output) -> anyhow::Result<ExitCode> {
    let app = open(Access::Read, output)?;
    use_pack(&app, pack)?;
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
