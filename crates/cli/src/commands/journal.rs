//! `firstlight journal`

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    process::ExitCode,
};

use anyhow::Context;
use firstlight_app::Access;
use jiff::Timestamp;

use super::{home, open, surroundings};
use crate::{args::Journal, output::Output, words};

pub(super) async fn run(command: Journal, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        Journal::Verify { .. } => {
            let check = firstlight_app::verify_journal(&home()?, &surroundings()).await?;
            if output.is_json() {
                output.value(&check)?;
            } else {
                let records = words::count(check.records, "record", "records");
                let open = check.records.saturating_sub(check.anchored);
                output.line(if check.ok {
                    format!("{records}, each as it was written; {open} not yet anchored.")
                } else {
                    format!("{records}; {}", check.reason.as_deref().unwrap_or("not as they were written."))
                })?;
            }
            Ok(if check.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Journal::Export { output: file } => {
            let app = open(Access::Read, output)?;
            match file {
                None => app.export(&mut io::stdout().lock())?,
                Some(path) => {
                    let mut to = BufWriter::new(
                        File::create(&path)
                            .with_context(|| format!("{} cannot be written", path.display()))?,
                    );
                    app.export(&mut to)?;
                    to.flush()?;
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Journal::StartAnew => {
            let moved_to = firstlight_app::start_journal_anew(&home()?, Timestamp::now())?;
            output.line("A new journal has begun.")?;
            if let Some(path) = moved_to {
                output.line(format!("The old one is kept as {}.", path.display()))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Journal::Checkpoint { .. } => {
            let made = open(Access::Change, output)?.checkpoint_journal().await?;
            if output.is_json() {
                output.value(&made)?;
            } else {
                output.raw(&made.note)?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
