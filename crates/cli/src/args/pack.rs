//! The arguments of `firstlight pack`.

use std::path::PathBuf;

use clap::{Subcommand, builder::PossibleValuesParser};
use firstlight_app::{Ci, StartFrom, export_formats, import_formats};

use super::{key_value, publishing};

/// Packs.
#[derive(Debug, Subcommand)]
pub(crate) enum Pack {
    /// Writes a pack to start from
    Init {
        /// A folder that does not exist or is empty
        dir: PathBuf,
        /// The greeting; asked for in a terminal
        #[arg(long)]
        title: Option<String>,
        /// Whose first steps it begins with; asked for in a terminal
        #[arg(long, value_name = "PERSONA", value_parser = PossibleValuesParser::new(StartFrom::ALL.iter().map(|from| from.name())))]
        from: Option<String>,
        /// The persona's title, if it shall be another one
        #[arg(long, value_name = "TITLE")]
        persona: Option<String>,
        /// Writes a workflow that lints, compares and tests every change; asked for in a terminal
        #[arg(long, value_name = "WHERE", value_parser = PossibleValuesParser::new(Ci::ALL.iter().map(|ci| ci.name())))]
        ci: Option<String>,
    },
    /// Says everything that is wrong with a pack: file, line and fix
    Lint {
        /// The pack's folder
        dir: PathBuf,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows a checklist as somebody else would meet it, on their machine
    Preview {
        /// The pack's folder
        dir: PathBuf,
        /// The persona
        #[arg(long = "as", value_name = "PERSONA")]
        persona: String,
        /// A machine, described in YAML or JSON; this one if left out
        #[arg(long, value_name = "FILE")]
        facts: Option<PathBuf>,
        /// An answer to one of the pack's questions; may be repeated
        #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
        input: Vec<(String, String)>,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Says what a release changes for people: who gets what, new powers, what happens to those on the way
    Diff {
        /// The folder of the older pack
        old: PathBuf,
        /// The folder of the newer pack
        new: PathBuf,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Makes a pack from what a team has already, and lists what could not be carried over
    Import {
        /// A file, or a project's folder
        from: PathBuf,
        /// What the file is, if its name does not tell
        #[arg(long = "as", value_name = "KIND", value_parser = PossibleValuesParser::new(import_formats()))]
        format: Option<String>,
        /// The pack's folder: one that does not exist or is empty
        #[arg(long, value_name = "DIR", default_value = "imported-pack")]
        into: PathBuf,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints a checklist for a developer hub, or to be ticked off
    Export {
        /// The pack's folder
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// In which form
        #[arg(long, value_name = "FORM", value_parser = PossibleValuesParser::new(export_formats()))]
        to: String,
        /// Whose; may be left out if there is only one
        #[arg(long, value_name = "ID")]
        persona: Option<String>,
    },
    /// Walks a pack in a throwaway home, walks it again, takes everything back, and says what did not hold
    Test {
        /// The pack's folder
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// Only this persona
        #[arg(long, value_name = "ID")]
        persona: Option<String>,
        /// An answer to one of the pack's questions; may be repeated
        #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
        input: Vec<(String, String)>,
        /// Tests though this system cannot keep the test to its throwaway folder: only on a machine you can throw away
        #[arg(long)]
        unconfined: bool,
        /// The throwaway folder to walk one persona in; given by the test itself
        #[arg(long, value_name = "DIR", hide = true, requires = "persona")]
        inside: Option<PathBuf>,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Publishing(publishing::Publishing),
    /// Prints the JSON Schema of pack.yaml, for editors
    Schema {
        /// Prints the reference of all kinds of steps instead, as Markdown
        #[arg(long)]
        markdown: bool,
    },
}

impl Pack {
    /// Whether the answer, and any error, shall be JSON.
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Lint { json, .. }
            | Self::Preview { json, .. }
            | Self::Diff { json, .. }
            | Self::Import { json, .. }
            | Self::Test { json, .. } => *json,
            Self::Publishing(command) => command.wants_json(),
            Self::Init { .. } | Self::Export { .. } | Self::Schema { .. } => false,
        }
    }
}
