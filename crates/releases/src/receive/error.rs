//! Why nothing was received. Each way to cheat, and each way to break, has a variant of its own, so that whoever shows it
//! can say the one thing to do about it.

use std::{io, path::PathBuf};

use jiff::Timestamp;
use semver::Version;

use super::fetch::FetchError;

/// A result whose error says why nothing was received.
pub type Result<T> = std::result::Result<T, ReceiveError>;

/// Why nothing was received. Whatever it is, what was accepted before is untouched.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// A content or a signature that does not hold: what it is about.
    #[error("{what} is not what was signed")]
    Forged {
        /// The file or role.
        what: String,
    },
    /// Signed, but by nobody who may.
    #[error("`{role}` is signed by keys that may not sign it")]
    WrongKey {
        /// The role.
        role: String,
    },
    /// Signed by some who may, but by too few different ones.
    #[error("`{role}` is signed by {found} of the {needed} keys it needs")]
    TooFewSignatures {
        /// The role.
        role: String,
        /// How many different keys signed it.
        found: usize,
        /// How many have to.
        needed: usize,
    },
    /// Something older than what was seen before.
    #[error("`{what}` is offered in version {offered}, older than version {seen}, which was seen before")]
    Replayed {
        /// The role.
        what: String,
        /// The version seen before.
        seen: u64,
        /// The version offered; none if it is not offered any more.
        offered: u64,
    },
    /// Nothing new was said for too long: somebody may be holding back what is new.
    #[error("the repository has said nothing new for too long; its timestamp was good until {since}")]
    Frozen {
        /// Until when the last word was good.
        since: Timestamp,
    },
    /// A signature that was good for a limited time, which is over.
    #[error("what was signed as `{role}` was good until {since}")]
    Expired {
        /// The role.
        role: String,
        /// Until when.
        since: Timestamp,
    },
    /// Parts that do not belong together.
    #[error("the repository's parts do not belong together: {what}")]
    Mixed {
        /// Which, in the words of whoever compared them.
        what: String,
    },
    /// More than is signed, or than a pack may have.
    #[error("{what} is larger than it may be ({limit})")]
    TooLarge {
        /// The file, or the pack.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// An answer that does not come, or drips.
    #[error("{what} did not arrive in time")]
    Slow {
        /// The file.
        what: String,
    },
    /// Something that is announced is not there, or not whole.
    #[error("{what} is not there, or not whole")]
    Incomplete {
        /// The file.
        what: String,
    },
    /// Only older releases than the accepted one.
    #[error("release {offered} is offered, older than {have}, which this machine has")]
    Downgrade {
        /// The accepted release.
        have: Version,
        /// The newest one offered.
        offered: Version,
    },
    /// A release that was changed after it was published.
    #[error("release {version} is not what it was when this machine received it")]
    Changed {
        /// The release.
        version: Version,
    },
    /// A file that would lie outside of the pack, or has a name not every system can hold.
    #[error("the release has a file that no pack may have: {why}")]
    UnsafePath {
        /// Which, and why.
        why: String,
    },
    /// The repository knows no such pack, or no release of it.
    #[error("the repository publishes no release of `{pack}`")]
    NotPublished {
        /// The pack.
        pack: String,
    },
    /// What answers is no repository, or one of a kind that is not understood.
    #[error("{what} is not understood: {why}")]
    NotUnderstood {
        /// The file.
        what: String,
        /// Why.
        why: String,
    },
    /// The file given as a root of trust is none, or not the one meant.
    #[error("the root cannot be trusted: {why}")]
    BadRoot {
        /// Why.
        why: String,
    },
    /// What was seen cannot be remembered; without that, older things could be passed off as new.
    #[error("{path} cannot be written: {source}")]
    FloorNotWritten {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What was seen before cannot be read any more, in neither of its two copies.
    #[error("what was seen of the repository before is damaged: {path}")]
    FloorDamaged {
        /// The file.
        path: PathBuf,
    },
    /// A file of ours cannot be written or read.
    #[error("{path} cannot be written: {source}")]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An address that is not `https`.
    #[error("`{url}` is not an https address")]
    NotHttps {
        /// The address.
        url: String,
    },
    /// No answer.
    #[error("{url} cannot be reached: {why}")]
    Network {
        /// The address.
        url: String,
        /// Why not.
        why: String,
    },
}

impl From<FetchError> for ReceiveError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Slow { what } => Self::Slow { what },
            FetchError::TooLarge { what, limit } => Self::TooLarge { what, limit: bytes(limit) },
            FetchError::Cut { what } | FetchError::Missing { what } => Self::Incomplete { what },
            FetchError::Forged { what } => Self::Forged { what },
            FetchError::NotHttps { url } => Self::NotHttps { url },
            FetchError::Network { url, why } => Self::Network { url, why },
            FetchError::Unwritable { path, source } => Self::NotWritable { path, source },
        }
    }
}

/// A size for people.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
