//! The command line: a stable contract, see `firstlight help`.

mod docs;
mod hub;
mod insights;
mod pack;
pub(crate) mod publishing;
mod scan;
mod survey;
mod templates;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, builder::BoolishValueParser, error::ErrorKind};
use firstlight_app::AppError;
use firstlight_contract::error::Code;

pub(crate) use self::hub::{Choice as SharingChoice, Hub};
pub(crate) use self::{
    docs::Docs,
    insights::Insights,
    pack::Pack,
    scan::Scan,
    survey::{Feedback, Survey, SurveyAnswer},
    templates::Templates,
};
use crate::output::Output;

/// From an untouched machine to first value, and how long it took.
#[derive(Debug, Parser)]
#[command(name = "firstlight", version, disable_help_subcommand = false, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what would happen, and changes nothing
    Plan {
        #[command(flatten)]
        who: Who,
        /// Prints JSON
        #[arg(long)]
        json: bool,
        /// Exits 0 if there is nothing to do, 2 if there are changes, 1 if something failed or cannot be known
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Walks the checklist: shows the plan, asks, does it, verifies it
    Up {
        #[command(flatten)]
        who: Who,
        /// Answers yes to every question: the plan, and things to read, open or confirm
        #[arg(long, short)]
        yes: bool,
        /// Only this step and what it needs; may be repeated
        #[arg(long, value_name = "STEP")]
        only: Vec<String>,
        /// Runs this step though it was cut off and may have taken effect; may be repeated
        #[arg(long, value_name = "STEP")]
        again: Vec<String>,
        /// Takes this step, which was cut off, as having taken effect; may be repeated
        #[arg(long, value_name = "STEP")]
        took_effect: Vec<String>,
        /// Goes on with what does not depend on it when a critical step fails
        #[arg(long)]
        keep_going: bool,
        /// The first working day, if the clock shall start there (YYYY-MM-DD)
        #[arg(long, value_name = "DATE")]
        start_date: Option<String>,
        /// Leaves the journey at hand first, if it is another one
        #[arg(long)]
        leave: bool,
        /// Prints what the steps print
        #[arg(long, short)]
        verbose: bool,
        /// Prints one JSON object a line; needs `--yes`
        #[arg(long, requires = "yes")]
        json: bool,
    },
    /// Shows where you stand, what waits for whom, and the way to first value
    Status {
        /// Looks which of the steps that are done still hold; changes nothing
        #[arg(long)]
        check: bool,
        /// With --check: exits 2 if a step does not hold any more
        #[arg(long, requires = "check")]
        detailed_exitcode: bool,
        /// Says that you did what this step had left to you; may be repeated
        #[arg(long, value_name = "STEP")]
        followed_up: Vec<String>,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows time to first value and where it went
    Report {
        /// Prints JSON
        #[arg(long, conflicts_with = "html")]
        json: bool,
        /// Writes a page to this file
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Takes steps back, with what was kept before they changed anything
    Undo {
        /// This step; may be repeated
        #[arg(long, value_name = "STEP", required_unless_present = "all")]
        step: Vec<String>,
        /// Every step that can be taken back, last one first
        #[arg(long, conflicts_with = "step")]
        all: bool,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Looks at network, proxy, certificates, tools, clock, disk, keychain and administrator rights
    Doctor {
        /// The pack whose hosts are tried
        #[arg(long, value_name = "DIR")]
        pack: Option<PathBuf>,
        /// Sets proxy and certificates for git, npm, pip and cargo, where they lack them: shows what, and asks
        #[arg(long, conflicts_with_all = ["pack", "undo"])]
        fix: bool,
        /// Answers yes to that question
        #[arg(long, short, requires = "fix")]
        yes: bool,
        /// The proxy to set, instead of this machine's own
        #[arg(long, value_name = "URL", requires = "fix")]
        proxy: Option<String>,
        /// A file with your company's certificates, instead of those the system was given
        #[arg(long, value_name = "FILE", requires = "fix")]
        ca: Option<PathBuf>,
        /// Takes back everything that `--fix` has set
        #[arg(long, conflicts_with = "pack")]
        undo: bool,
        /// Says whether you may give administrator rights here though no group of yours shows it
        #[arg(long, value_name = "yes|no", value_parser = BoolishValueParser::new(), conflicts_with_all = ["fix", "undo"])]
        administrator: Option<bool>,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Begins to receive a pack from a repository of signed releases
    ///
    /// A repository cannot vouch for itself: name the root that whoever publishes it gave you, or its fingerprint.
    Enroll {
        /// The repository's https address
        url: String,
        /// The pack to receive
        #[arg(long, value_name = "NAME")]
        pack: String,
        /// The file of a root to trust
        #[arg(
            long,
            value_name = "FILE",
            conflicts_with = "root_sha256",
            required_unless_present = "root_sha256"
        )]
        root: Option<PathBuf>,
        /// The SHA-256 of a root to trust, which is then fetched from the repository
        #[arg(long, value_name = "HEX")]
        root_sha256: Option<String>,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Asks for a newer release of the pack, and receives it
    Update {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Looks whether the pack's advisories are about anything on this machine or in its projects
    Scan(Scan),
    /// Shows what helps somebody else help you, without secrets and names, and writes it to a file if you agree
    HelpBundle {
        /// The file
        #[arg(long, value_name = "FILE", default_value = "firstlight-help.md")]
        out: PathBuf,
        /// Writes it without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Keeps secrets in the system's keychain
    Credential {
        #[command(subcommand)]
        command: Credential,
    },
    /// Checks, signs and exports the record of what happened on this machine
    Journal {
        #[command(subcommand)]
        command: Journal,
    },
    /// Shows what has left this machine, and what will
    Events {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Says where events go, and whether they do
    Hub {
        #[command(subcommand)]
        command: Hub,
    },
    /// Lists and answers what your platform team asks, which is seldom
    Survey {
        #[command(subcommand)]
        command: Survey,
    },
    /// Tells your platform team what you think, with or without your name
    Feedback(Feedback),
    /// Lists, shows and searches the pack's documents, without a network
    Docs {
        #[command(subcommand)]
        command: Docs,
    },
    /// Shows how projects that a template made stand with that template
    Templates {
        #[command(subcommand)]
        command: Templates,
    },
    /// Writes, checks and publishes packs
    Pack {
        #[command(subcommand)]
        command: Pack,
    },
    /// Reckons what the platform team looks at
    Insights {
        #[command(subcommand)]
        command: Insights,
    },
    /// The protocol that tuf-conformance speaks with a client, through the code that receives releases
    #[command(hide = true)]
    TufClient(TufClient),
    /// Prints the completion script of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// A client of The Update Framework, as its conformance suite calls one.
#[derive(Debug, Args)]
pub(crate) struct TufClient {
    /// Where trusted metadata is kept
    #[arg(long, value_name = "DIR")]
    pub(crate) metadata_dir: PathBuf,
    /// Where the repository's metadata is
    #[arg(long, value_name = "URL")]
    pub(crate) metadata_url: Option<String>,
    /// A target to fetch; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) target_name: Vec<String>,
    /// Where fetched targets go
    #[arg(long, value_name = "DIR")]
    pub(crate) target_dir: Option<PathBuf>,
    /// Where the repository's targets are
    #[arg(long, value_name = "URL")]
    pub(crate) target_base_url: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: TufCommand,
}

/// What the suite asks for.
#[derive(Debug, Subcommand)]
pub(crate) enum TufCommand {
    /// Begins to trust a root
    Init {
        /// Its file
        root: PathBuf,
    },
    /// Brings the trusted metadata up to date
    Refresh,
    /// Refreshes, then fetches targets
    Download,
}

/// Which checklist, with which answers.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// The pack's folder; the pack that was received if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) pack: Option<PathBuf>,
    /// The persona; asked for in a terminal if left out
    #[arg(long, value_name = "ID")]
    pub(crate) persona: Option<String>,
    /// An answer to one of the pack's questions; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    pub(crate) input: Vec<(String, String)>,
}

/// Credentials. A value comes from standard input or a prompt, never from the command line.
#[derive(Debug, Subcommand)]
pub(crate) enum Credential {
    /// Tries a value and keeps it if it is accepted
    Set(Named),
    /// Tries the value the keychain holds
    Test(Named),
    /// Lists what is known, never a value
    List {
        /// The pack whose credentials are listed, before a journey has begun
        #[arg(long, value_name = "DIR")]
        pack: Option<PathBuf>,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Removes the value from the keychain
    Remove(Named),
}

/// One credential.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name
    pub(crate) name: String,
    /// The pack that asks for it, before a journey has begun
    #[arg(long, value_name = "DIR")]
    pub(crate) pack: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The journal.
#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Says whether every record is as it was written
    Verify {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Writes every record as JSON lines, with what is needed to verify them
    Export {
        /// To this file instead of standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Begins an empty record; the old one is put aside, never deleted
    StartAnew,
    /// Signs the record as it is now
    Checkpoint {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
}

impl Cli {
    /// Whether the answer, and any error, shall be JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match &self.command {
            Command::Plan { json, .. }
            | Command::Up { json, .. }
            | Command::Status { json, .. }
            | Command::Report { json, .. }
            | Command::Undo { json, .. }
            | Command::Doctor { json, .. }
            | Command::Events { json }
            | Command::Insights { command: Insights::Ttfv { json, .. } }
            | Command::Enroll { json, .. }
            | Command::Update { json }
            | Command::Survey { command: Survey::List { json } }
            | Command::Templates { command: Templates::Drift { json, .. } }
            | Command::Credential { command: Credential::List { json, .. } }
            | Command::Journal { command: Journal::Verify { json } | Journal::Checkpoint { json } } => *json,
            Command::Scan(scan) => scan.json,
            Command::Hub { command } => command.wants_json(),
            Command::Survey { command: Survey::Answer(answer) } => answer.json,
            Command::Feedback(feedback) => feedback.json,
            Command::Docs { command } => command.of().json,
            Command::Pack { command } => command.wants_json(),
            Command::Credential {
                command: Credential::Set(named) | Credential::Test(named) | Credential::Remove(named),
            } => named.json,
            Command::Journal { command: Journal::Export { .. } | Journal::StartAnew }
            | Command::HelpBundle { .. }
            | Command::TufClient(_)
            | Command::Completions { .. } => false,
        }
    }
}

/// Parses the command line. What clap would exit 2 for exits 1 here: 2 means "changes" in `plan`.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            // Printing to a closed pipe fails; there is nobody left to tell.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        if std::env::args_os().any(|word| word == "--json") {
            return Output::new(true).fail(&not_understood(&error).into());
        }
        let _ = error.print();
        ExitCode::FAILURE
    })
}

/// clap's words as our error: what is wrong, and the usage line as what to do.
fn not_understood(error: &clap::Error) -> AppError {
    let text = error.render().to_string();
    let (message, rest) = text.split_once("\n\nUsage:").unwrap_or((text.trim_end(), ""));
    let message = message.trim_start_matches("error:").split_whitespace().collect::<Vec<_>>().join(" ");
    let usage = rest.lines().next().map(str::trim).filter(|usage| !usage.is_empty());
    let mut letters = message.chars();
    let message =
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
    let error = AppError::new(Code::Usage, format!("{}.", message.trim_end_matches('.')));
    match usage {
        Some(usage) => error.hint(format!("Write it like: {usage}")),
        None => error.hint("`firstlight help` lists every command."),
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it like NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_passphrase_can_be_an_argument() {
        let keygen = ["firstlight", "pack", "keygen", "ada.key", "--owner", "Ada"];
        assert!(Cli::try_parse_from(keygen).is_ok());
        assert!(Cli::try_parse_from(keygen.iter().chain(&["s3cret s3cret"])).is_err());
        assert!(Cli::try_parse_from(keygen.iter().chain(&["--passphrase", "s3cret s3cret"])).is_err());
    }

    #[test]
    fn no_credential_value_can_be_an_argument() {
        assert!(Cli::try_parse_from(["firstlight", "credential", "set", "token", "s3cret"]).is_err());
    }
}
