//! `firstlight insights`

use std::path::PathBuf;

use clap::Subcommand;

/// Figures for the platform team.
#[derive(Debug, Subcommand)]
pub(crate) enum Insights {
    /// Says how long it took people to first value, and how sure that is, from a file with a line for each
    ///
    /// Those who are still on their way count with the time they have taken so far. Leaving them out, as the plain median of
    /// those who arrived does, makes things look better than they are; both are shown.
    Ttfv {
        /// The file: comma-separated, with a line of column names
        #[arg(long, value_name = "FILE")]
        from_csv: PathBuf,
        /// The column that says how long it took, or has taken so far, in any unit
        #[arg(long, value_name = "COL")]
        time: String,
        /// The column that says how it ended: 1 arrived, 0 still on their way, left
        #[arg(long, value_name = "COL")]
        event: String,
        /// The column of what people are compared by
        #[arg(long, value_name = "COL")]
        group: Option<String>,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
}
