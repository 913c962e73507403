//! `firstlight docs`

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The pack's documents.
#[derive(Debug, Subcommand)]
pub(crate) enum Docs {
    /// Lists them
    List {
        #[command(flatten)]
        of: DocsOf,
    },
    /// Shows one
    Show {
        /// The document, as `docs list` names it
        path: String,
        #[command(flatten)]
        of: DocsOf,
    },
    /// Looks for words; each may be the beginning of a longer one
    Search {
        /// What to look for
        #[arg(required = true)]
        words: Vec<String>,
        #[command(flatten)]
        of: DocsOf,
    },
}

/// Whose documents, and how they are printed.
#[derive(Debug, Args)]
pub(crate) struct DocsOf {
    /// The pack's folder; that of the journey, or the pack that was received, if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) pack: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Docs {
    /// Whose, and how.
    pub(crate) fn of(&self) -> &DocsOf {
        match self {
            Self::List { of } | Self::Show { of, .. } | Self::Search { of, .. } => of,
        }
    }
}
