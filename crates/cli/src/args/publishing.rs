//! `firstlight pack`, the part that publishes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use firstlight_app::publishing::KeyPlace;

/// Publishing. Passphrases come from a prompt or standard input, one a line, never from the command line.
#[derive(Debug, Subcommand)]
pub(crate) enum Publishing {
    /// Makes a key: FILE is to be kept, FILE.pub to be handed out
    Keygen {
        /// The file, for example ada.key
        file: PathBuf,
        /// Whose it is, for example "Ada, platform team"
        #[arg(long)]
        owner: String,
        /// Keeps it in this system's keychain instead, under the file's name
        #[arg(long)]
        keychain: bool,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Drafts whose keys count: a new repository, one more pack, another key, another year
    Root {
        #[command(subcommand)]
        command: Root,
    },
    /// Drafts a release of a pack that has no errors
    Draft {
        /// The pack's folder
        pack: PathBuf,
        /// The draft's folder, a new one
        draft: PathBuf,
        /// The repository's folder
        #[arg(long, value_name = "DIR")]
        repo: PathBuf,
        /// The share of devices that get it at first, in per cent: 100 for a first release and 10 for others if left out
        #[arg(long, value_name = "PER CENT", value_parser = clap::value_parser!(u8).range(0..=100))]
        share: Option<u8>,
        /// How many releases stay on offer; the newest that everybody may have always does
        #[arg(long, value_name = "NUMBER", default_value = "3")]
        keep: usize,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows what a draft changes, asks, and signs it
    Sign {
        /// The draft's folder
        draft: PathBuf,
        /// The repository's folder
        #[arg(long, value_name = "DIR")]
        repo: PathBuf,
        /// Your key: a file, or keychain:NAME
        #[arg(long, value_name = "KEY")]
        key: KeyPlace,
        /// Signs without asking
        #[arg(long, short)]
        yes: bool,
        /// Prints JSON; needs `--yes`
        #[arg(long, requires = "yes")]
        json: bool,
    },
    /// Writes a draft that enough people signed into the repository's folder
    Publish {
        /// The draft's folder
        draft: PathBuf,
        #[command(flatten)]
        to: Repository,
    },
    /// Says anew that nothing is newer; to be called every day, by a timer or a CI job
    Refresh(Repository),
    /// Says who gets a release, at once
    Rollout {
        #[command(subcommand)]
        command: Rollout,
    },
    /// Says who signed what, what expires when, and whether every file is there and whole
    Verify {
        /// The repository's folder
        repo: PathBuf,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
}

/// A repository and the key that is online.
#[derive(Debug, Args)]
pub(crate) struct Repository {
    /// The repository's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: PathBuf,
    /// The online key: a file, or keychain:NAME
    #[arg(long, value_name = "KEY")]
    pub(crate) online: KeyPlace,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose keys count. Each drafts something that two people sign.
#[derive(Debug, Subcommand)]
pub(crate) enum Root {
    /// A new repository
    Begin {
        /// The draft's folder, a new one
        draft: PathBuf,
        /// The .pub file of somebody who runs the platform
        #[arg(long, value_name = "FILE")]
        platform: PathBuf,
        /// The .pub file of somebody who answers for security
        #[arg(long, value_name = "FILE")]
        security: PathBuf,
        /// The .pub file of a key in a safe, for the day one of the two is lost; may be repeated
        #[arg(long, value_name = "FILE", required = true)]
        spare: Vec<PathBuf>,
        /// The .pub file of the machine that publishes and refreshes
        #[arg(long, value_name = "FILE")]
        online: PathBuf,
        /// The .pub file of a machine that may set shares and halt releases, besides the two; may be the same machine
        #[arg(long, value_name = "FILE")]
        rollout: Option<PathBuf>,
        /// A pack's name; may be repeated
        #[arg(long, value_name = "NAME", required = true)]
        pack: Vec<String>,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// One more pack, signed by the same two
    Add {
        #[command(flatten)]
        to: DraftOf,
        /// The pack's name
        #[arg(long, value_name = "NAME")]
        pack: String,
        /// The .pub file of a machine that may set shares and halt releases, besides the two
        #[arg(long, value_name = "FILE")]
        rollout: Option<PathBuf>,
    },
    /// Another key for one that was lost or leaked
    Replace {
        #[command(flatten)]
        to: DraftOf,
        /// Whose key, as `pack verify` shows it: the owner, or the first digits of the key
        #[arg(long, value_name = "OWNER")]
        old: String,
        /// The .pub file of the new one
        #[arg(long, value_name = "FILE")]
        new: PathBuf,
    },
    /// The same for another year
    Renew {
        #[command(flatten)]
        to: DraftOf,
    },
}

/// A draft about a repository.
#[derive(Debug, Args)]
pub(crate) struct DraftOf {
    /// The draft's folder, a new one
    pub(crate) draft: PathBuf,
    /// The repository's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: PathBuf,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who gets a release.
#[derive(Debug, Subcommand)]
pub(crate) enum Rollout {
    /// Lets a share of devices get it
    Set {
        #[command(flatten)]
        release: Release,
        /// In per cent
        #[arg(long, value_name = "PER CENT", value_parser = clap::value_parser!(u8).range(0..=100))]
        share: u8,
        #[command(flatten)]
        keys: RolloutKeys,
    },
    /// Lets nobody get it who does not have it yet
    Halt {
        #[command(flatten)]
        release: Release,
        /// Why; people are shown it
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        keys: RolloutKeys,
    },
    /// Ends a halt
    Resume {
        #[command(flatten)]
        release: Release,
        #[command(flatten)]
        keys: RolloutKeys,
    },
    /// Halts a release if it fails more often than the one before, by the counts of a hub
    Watch {
        /// A file or an https address with the counts
        #[arg(long, value_name = "FILE|URL")]
        signal: String,
        #[command(flatten)]
        keys: RolloutKeys,
    },
}

/// A release.
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// The pack's name
    #[arg(long, value_name = "NAME")]
    pub(crate) pack: String,
    /// The version
    #[arg(long)]
    pub(crate) version: String,
}

/// What signs a rollout.
#[derive(Debug, Args)]
pub(crate) struct RolloutKeys {
    /// A key that may sign who gets it: a file, or keychain:NAME
    #[arg(long, value_name = "KEY")]
    pub(crate) key: KeyPlace,
    #[command(flatten)]
    pub(crate) to: Repository,
}

impl Publishing {
    /// Whether the answer, and any error, shall be JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Keygen { json, .. }
            | Self::Draft { json, .. }
            | Self::Sign { json, .. }
            | Self::Verify { json, .. }
            | Self::Root { command: Root::Begin { json, .. } } => *json,
            Self::Publish { to, .. } | Self::Refresh(to) => to.json,
            Self::Root { command: Root::Add { to, .. } | Root::Replace { to, .. } | Root::Renew { to } } => {
                to.json
            }
            Self::Rollout {
                command:
                    Rollout::Set { keys, .. }
                    | Rollout::Halt { keys, .. }
                    | Rollout::Resume { keys, .. }
                    | Rollout::Watch { keys, .. },
            } => keys.to.json,
        }
    }
}
