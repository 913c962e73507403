//! `firstlight scan`

use std::path::PathBuf;

use clap::Args;

/// What to look at, or what to live with.
#[derive(Debug, Args)]
#[command(after_help = "Exits 0 if nothing was found, 2 if something was, 1 if it could not be told.")]
pub(crate) struct Scan {
    /// The pack with the advisories; that of the journey, or the pack that was received, if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) pack: Option<PathBuf>,
    /// Looks at this folder instead of the journey's projects and this machine; may be repeated
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Vec<PathBuf>,
    /// Also writes what was found to this file, as SARIF 2.1.0
    #[arg(long, value_name = "FILE", conflicts_with = "accept")]
    pub(crate) sarif: Option<PathBuf>,
    /// Says that you live with this advisory for a while, where the pack lets you
    #[arg(long, value_name = "ADVISORY", requires_all = ["until", "because"], conflicts_with_all = ["pack", "project"])]
    pub(crate) accept: Option<String>,
    /// With --accept: the last day (YYYY-MM-DD)
    #[arg(long, value_name = "DATE", requires = "accept")]
    pub(crate) until: Option<String>,
    /// With --accept: why
    #[arg(long, value_name = "TEXT", requires = "accept")]
    pub(crate) because: Option<String>,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}
