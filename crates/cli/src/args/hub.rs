//! `firstlight hub`

use clap::{Subcommand, ValueEnum};

/// The hub that events go to.
#[derive(Debug, Subcommand)]
pub(crate) enum Hub {
    /// Sends to a hub from now on; its code comes from a prompt or standard input
    Join {
        /// The hub's https address
        address: String,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows where events go, how many wait, and what is in the way
    Status {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Shares events, or pauses it; what happens while it is paused never leaves
    Sharing {
        /// Which
        choice: Choice,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Sets the name those see whom a step waits for; without NAME they see none
    Name {
        /// Your name
        name: Option<String>,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Sends what waits, now
    Send {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Keeps the access token that shows the hub's figures in the window; it comes from a prompt or standard input
    Access {
        /// Forgets it
        #[arg(long)]
        remove: bool,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Sends to no hub any more
    Leave {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
}

/// Whether events are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// They are sent
    On,
    /// They are not
    Paused,
}

impl Hub {
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Join { json, .. }
            | Self::Status { json }
            | Self::Sharing { json, .. }
            | Self::Name { json, .. }
            | Self::Send { json }
            | Self::Access { json, .. }
            | Self::Leave { json } => *json,
        }
    }
}
