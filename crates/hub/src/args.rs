//! The command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use firstlight_domain::id::TeamId;
use firstlight_hub::rights::Grant;
use jiff::SignedDuration;
use uuid::Uuid;

/// Takes in the events of many machines, each exactly once, and counts them.
#[derive(Debug, Parser)]
#[command(name = "firstlight-hub", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Settings {
    /// The file of settings (TOML); variables `FIRSTLIGHT_HUB_…` and arguments win over it
    #[arg(long, value_name = "FILE", env = "FIRSTLIGHT_HUB_CONFIG", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Where events are kept: sqlite:PATH, or the URL of a PostgreSQL. A password is better in the file or in
    /// `FIRSTLIGHT_HUB_DATABASE`: everybody on this machine sees arguments
    #[arg(long, global = true)]
    pub(crate) database: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer devices until told to stop
    Serve {
        /// Address and port to answer at [default: 127.0.0.1:7411]
        #[arg(long)]
        listen: Option<String>,
        /// PEM file with a certificate chain, to encrypt without a proxy
        #[arg(long, value_name = "FILE")]
        tls_cert: Option<String>,
        /// PEM file with its key
        #[arg(long, value_name = "FILE")]
        tls_key: Option<String>,
    },
    /// Single-use codes that let devices in
    #[command(subcommand)]
    Code(Code),
    /// The devices that were let in
    #[command(subcommand)]
    Device(Device),
    /// Other programs that may say what happened
    #[command(subcommand)]
    Integration(Integration),
    /// People the hub knows
    #[command(subcommand)]
    Person(Person),
    /// Forget what is older than the hub may keep it, now; a hub that serves does it once a day
    Forget,
    /// What people wait for others to do
    #[command(subcommand)]
    Request(Request),
    /// Copy the database to a new file, while the hub goes on
    Backup {
        /// Where to; must not exist
        file: PathBuf,
    },
    /// Put a backup in place of a database that is gone
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Who may what over HTTP
    #[command(subcommand)]
    Role(Role),
    /// What was done at the hub, and by whom
    #[command(subcommand)]
    Audit(Audit),
    /// Send a simulated company to a hub of its own and check its figures; exits with 1 if one is not what it has to be
    Simulate(Simulate),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Simulate {
    /// The address of the hub; it must have heard of nobody yet
    #[arg(long, value_name = "URL")]
    pub(crate) hub: String,
    /// How many people join
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) people: u32,
    /// In how many weeks
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(i64).range(1..=50))]
    pub(crate) weeks: i64,
    /// What everything follows from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Let a minute pass in which somebody who promised an answer says nothing, so that promises are broken
    #[arg(long)]
    pub(crate) late: bool,
    /// A file with an enrolment code in each line; without it they are put into --database, which must be the hub's
    #[arg(long, value_name = "FILE")]
    pub(crate) codes: Option<PathBuf>,
    /// A file with the access token of a viewer; without it one that ends with the simulation is put into --database
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// Give somebody a role
    Grant {
        /// What names them in your company, as in `code new --for`
        person: String,
        /// viewer, author, publisher, security-reviewer, step-owner:OWNER (what a pack has in `owner`) or admin
        role: Grant,
    },
    /// Take a role from somebody
    Revoke {
        /// What names them in your company
        person: String,
        /// The role, as it was given
        role: Grant,
    },
    /// List who has which role, and the tokens there are; people are numbers here
    List {
        /// Only what this person has
        person: Option<String>,
    },
    /// Print a token with which somebody asks for what their roles allow; it is shown once
    Token {
        /// What names them in your company
        person: String,
        /// How long it counts, as 30d or 12h
        #[arg(long, default_value = "30d", value_parser = duration)]
        expires: SignedDuration,
    },
    /// Sign somebody out wherever they are signed in; what they may is not changed, and they may sign in again
    SignOut {
        /// What names them in your company
        person: String,
    },
    /// Shut a token out
    RevokeToken {
        /// Its number, as `role list` shows it
        token: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// List everything, oldest first
    List,
    /// See whether anything in it was changed; exits with 1 if so
    Verify {
        /// A file with what `audit checkpoint` printed once, kept where nobody who can write the database can write
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Sign the log as it is now, and print that: keep it elsewhere
    Checkpoint,
    /// Write the log, and what is needed to verify it without the hub, as one JSON object a line
    Export {
        /// Where to; must not exist. Without it the log is printed
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Code {
    /// Print a new code
    New {
        /// Whose device it will be: whatever names them in your company. Kept as a pseudonym only; several devices of one
        /// person are counted as one person
        #[arg(long = "for", value_name = "PERSON")]
        person: Option<String>,
        /// Which team they are of: letters, digits, `-`, `_` and `.`. Kept as it is written, so that figures can be asked for by
        /// team; a person is of one team at a time
        #[arg(long, value_name = "TEAM")]
        team: Option<TeamId>,
        /// How long it counts, as 7d, 12h or 30m
        #[arg(long, default_value = "7d", value_parser = duration)]
        expires: SignedDuration,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// List every device
    List,
    /// Shut a device out; what it has sent stays
    Revoke {
        /// Its id
        device: Uuid,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Integration {
    /// Print a token for a program of this name
    New {
        /// Its name, which is also the service it tells the use of unless it says so itself
        name: String,
    },
    /// List every program
    List,
    /// Shut a program out; what it has said stays
    Revoke {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    /// Say that another name is the same person, as `github:ada-l` is: also of what was said before
    Alias {
        /// What names the person in your company, as in `code new --for`
        person: String,
        /// The other name
        alias: String,
    },
    /// Print everything the hub has of somebody, as JSON
    Export {
        /// What names the person in your company, or another name of theirs, or `#7`, the number `device list` has
        person: String,
        /// Write it to a new file that only you can read
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Erase everything the hub has of somebody; their devices are shut out. Several go together, or none
    Erase {
        /// What names the person in your company, or another name of theirs, or `#7`, the number `device list` has
        #[arg(required = true)]
        people: Vec<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Say which team somebody is of from now on; without a team: of none
    Team {
        /// What names the person in your company, as in `code new --for`
        person: String,
        /// The team
        team: Option<TeamId>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Request {
    /// List what waits for an answer, what is due first at the top
    List {
        /// Only what this owner is asked, as packs name them
        #[arg(long)]
        owner: Option<String>,
        /// Also what was answered, granted or withdrawn
        #[arg(long)]
        all: bool,
    },
    /// Answer a request, once: it goes on by itself on the machine that asked
    Answer {
        /// Its id
        id: Uuid,
        #[command(flatten)]
        reply: Reply,
        /// The name the person sees [default: the owner's]
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
}

#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub(crate) struct Reply {
    /// It is done; maybe with words for the person
    #[arg(long, value_name = "WORDS", num_args = 0..=1, default_missing_value = "")]
    pub(crate) done: Option<String>,
    /// It will not be done, and why
    #[arg(long, value_name = "WORDS")]
    pub(crate) refused: Option<String>,
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("`{text}` is no duration, as 7d, 12h or 30m is");
    let unit = match text.chars().last() {
        Some('d') => 24 * 60,
        Some('h') => 60,
        Some('m') => 1,
        _ => return Err(wrong()),
    };
    let number: i64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    match number {
        1..=100_000 => Ok(SignedDuration::from_mins(number * unit)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Args::command().debug_assert();
        assert_eq!(duration("7d").unwrap(), SignedDuration::from_hours(168));
        assert_eq!(duration("30m").unwrap(), SignedDuration::from_mins(30));
        for wrong in ["", "7", "d", "-1d", "0d", "7 days", "99999999999999999d", "7ä"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
