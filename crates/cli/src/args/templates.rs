//! `firstlight templates`

use std::path::PathBuf;

use clap::Subcommand;

/// Templates, and what was made from them.
#[derive(Debug, Subcommand)]
pub(crate) enum Templates {
    /// Says which projects were made from a template that is another one now; changes nothing
    Drift {
        /// Shows what the template would make differently
        #[arg(long)]
        diff: bool,
        /// The pack's folder; the newest release that was received, or that of the journey, if left out
        #[arg(long, value_name = "DIR")]
        pack: Option<PathBuf>,
        /// Exits 2 if a project was made from a template that is another one now
        #[arg(long)]
        detailed_exitcode: bool,
        /// Prints JSON, with what would differ
        #[arg(long)]
        json: bool,
    },
}
