//! Why something was not signed or published.

use std::{io, path::PathBuf};

use jiff::Timestamp;
use semver::Version;

use super::key::SignerError;
use crate::layout::{NameError, shown};

/// What publishing gives.
pub type Result<T> = std::result::Result<T, PublishError>;

/// Why something was not signed or published. Nothing was changed, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The folder holds no repository.
    #[error("there is no repository at {}", .0.display())]
    NoRepository(PathBuf),
    /// A folder that should be new is not.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// The folder holds no draft.
    #[error("there is no draft at {}", .0.display())]
    NoDraft(PathBuf),
    /// A file could not be read or written.
    #[error("{} could not be {what}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Another program publishes into the same folder.
    #[error("somebody else is publishing into {} right now", .0.display())]
    Busy(PathBuf),
    /// Metadata that is not what it should be.
    #[error("{what} is not sound: {why}")]
    Unsound {
        /// Which.
        what: String,
        /// Why.
        why: String,
    },
    /// A file in the draft or the repository is not the one that was signed.
    #[error("`{target}` is {how}")]
    NotWhole {
        /// The target.
        target: String,
        /// `missing`, or not the one that was signed.
        how: &'static str,
    },
    /// Fewer people signed than have to.
    #[error("{what} needs {threshold} of {}, and was signed by {}", list(.keys), list(.signed))]
    TooFewSignatures {
        /// What has to be signed.
        what: String,
        /// How many have to sign.
        threshold: u64,
        /// Who may.
        keys: Vec<String>,
        /// Who did.
        signed: Vec<String>,
    },
    /// The key has signed the draft before.
    #[error("{0} has signed this already; a second signature of the same key does not count")]
    SignedAlready(String),
    /// The key may not sign this.
    #[error("this key may not sign {what}; {} may", list(.keys))]
    WrongKey {
        /// What.
        what: String,
        /// Who may.
        keys: Vec<String>,
    },
    /// One key stands for two people.
    #[error("{one} and {other} have the same key: two signatures of it would be one person's")]
    SameKey {
        /// The one.
        one: String,
        /// The other.
        other: String,
    },
    /// No key of that name.
    #[error("no key in this repository belongs to `{name}`; there are those of {}", list(.keys))]
    UnknownKey {
        /// The name.
        name: String,
        /// Whose there are.
        keys: Vec<String>,
    },
    /// The draft was made from an older state than what is published.
    #[error("the draft changes {what} {draft}, but {published} is published: somebody published in between")]
    Stale {
        /// Which role.
        what: String,
        /// The version the draft would publish.
        draft: u64,
        /// The version there is.
        published: u64,
    },
    /// What would be published does not hold any more.
    #[error("{what} would have expired at {at}")]
    Expired {
        /// Which.
        what: String,
        /// When.
        at: Timestamp,
    },
    /// The pack is not published here.
    #[error("pack `{pack}` is not published in this repository")]
    UnknownPack {
        /// Its name.
        pack: String,
    },
    /// The pack is published here already.
    #[error("pack `{pack}` is published in this repository already")]
    PackExists {
        /// Its name.
        pack: String,
    },
    /// There is no such release.
    #[error("there is no release {version} of `{pack}`")]
    UnknownRelease {
        /// The pack.
        pack: String,
        /// The version.
        version: Version,
    },
    /// The version is not newer than what is published.
    #[error("{version} is not newer than {published}, which is published")]
    NotNewer {
        /// The one to publish.
        version: Version,
        /// The newest there is.
        published: Version,
    },
    /// A release that is published would not be the same any more.
    #[error("`{target}` is published already, and would be another file under the same version")]
    Changed {
        /// The target.
        target: String,
    },
    /// A name cannot be carried.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Something in the pack is no plain file.
    #[error("`{0}` is no plain file")]
    NotPlain(String),
    /// More than fits.
    #[error("{what} is larger than {limit} MB, and devices would refuse it")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// The step does not fit the release as it is.
    #[error("{0}")]
    Rollout(String),
    /// The key could not be used.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

impl PublishError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoRepository(_) => {
                "`firstlight pack root begin` drafts one; `pack sign` and `pack publish` make it."
            }
            Self::Exists(_) => "Choose a new name; nothing is overwritten.",
            Self::NoDraft(_) => "`firstlight pack draft` makes one from a pack.",
            Self::Io { .. } => "Check that the folder is there and that you may read and write it.",
            Self::Busy(_) => "Wait until they are done, and try again.",
            Self::Unsound { .. } => {
                "Do not publish from this folder. Restore it from where it is served or backed up, and compare."
            }
            Self::NotWhole { .. } => "Copy the whole folder again, or make a new draft.",
            Self::TooFewSignatures { .. } => {
                "Hand the draft to one of those who have not signed: `firstlight pack sign`."
            }
            Self::SignedAlready(_) => "Hand it to one of the others.",
            Self::WrongKey { .. } => {
                "Use the key of one of them, or have the keys replaced: `firstlight pack root replace`."
            }
            Self::SameKey { .. } => "Each person makes a key of their own: `firstlight pack keygen`.",
            Self::UnknownKey { .. } => "Write the owner as `firstlight pack verify` shows it.",
            Self::Stale { .. } => "Make the draft again from what is published now, and sign it again.",
            Self::Expired { .. } => {
                "Make the draft again, or draft the same for longer with `firstlight pack root renew`."
            }
            Self::UnknownPack { .. } => "`firstlight pack root add` drafts a place for it.",
            Self::PackExists { .. } => "Draft a release of it with `firstlight pack draft`.",
            Self::UnknownRelease { .. } => "`firstlight pack verify` lists the releases there are.",
            Self::NotNewer { .. } => "Raise `version` in pack.yaml: devices never go back to an older one.",
            Self::Changed { .. } => "Publish it as a newer version.",
            Self::Name(NameError::Path { .. }) => {
                "Rename it so that Linux, macOS and Windows all keep it as it is, in at most 8 folders."
            }
            Self::Name(NameError::Pack(_)) => "Give the pack another name.",
            Self::Name(NameError::Version(_)) => "Write the version without `+` and what follows it.",
            Self::NotPlain(_) => "Replace links by the files they lead to, and remove devices and sockets.",
            Self::TooLarge { .. } => "Keep data and programs out of the pack, and let a step fetch them.",
            Self::Rollout(_) => "`firstlight pack verify` shows the state of each release.",
            Self::Signer(error) => error.hint(),
        }
    }

    pub(super) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, what: "read", source }
    }

    pub(super) fn written(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, what: "written", source }
    }

    pub(super) fn unsound(what: impl Into<String>, why: impl Into<Why>) -> Self {
        // Some of it may be a text of whoever wrote the file.
        Self::Unsound { what: shown(&what.into(), 200), why: shown(&why.into().0, 300) }
    }
}

/// The words of an error, or our own.
pub(super) struct Why(String);

impl<T: ToString> From<T> for Why {
    fn from(why: T) -> Self {
        Self(why.to_string())
    }
}

/// `Ada, Bob and Eve`.
fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
