//! `firstlight help-bundle`

use std::{path::Path, process::ExitCode};

use firstlight_app::{Access, AppError};
use firstlight_contract::error::Code;

use super::{ask, open};
use crate::output::Output;

pub(super) async fn run(out: &Path, yes: bool, output: Output) -> anyhow::Result<ExitCode> {
    let app = open(Access::Read, output)?;
    let text = app.help_bundle(env!("CARGO_PKG_VERSION"), None).await?.text;
    if !yes {
        output.verbatim(&text)?;
        if !output.is_interactive() {
            return Ok(ExitCode::SUCCESS);
        }
        if !ask(&format!("This is all of it. Write it to {}?", out.display()), output).await? {
            output.line("Nothing was written.")?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    write(out, &text)?;
    output.line(format!(
        "Wrote {}. Share it with whom you like; Firstlight sends it nowhere.",
        out.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Never over another file: it may be somebody's.
fn write(out: &Path, text: &str) -> Result<(), AppError> {
    use std::io::Write;
    let file = std::fs::File::options().write(true).create_new(true).open(out);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        AppError::new(Code::Usage, format!("{} cannot be written: {error}.", out.display()))
            .hint("Name another file with `--out`.")
    })
}
