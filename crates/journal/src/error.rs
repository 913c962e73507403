//! Everything that can go wrong with the journal, told apart by what the person can do about it.

use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

/// Why the journal did not do what was asked. Closed: each variant asks for something different of the person.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file or its folder cannot be written: read-only, or somebody else's.
    #[error("{} cannot be written: {cause}", path.display())]
    NotWritable {
        /// The journal's file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// There is no room. What was being written was not; what was there before can be read; the same handle goes on
    /// when there is room.
    #[error("the disk that holds {} is full", path.display())]
    DiskFull {
        /// The journal's file.
        path: PathBuf,
    },
    /// Another program holds the file.
    #[error("another program is using {}", path.display())]
    Busy {
        /// The journal's file.
        path: PathBuf,
    },
    /// A newer Firstlight made the file. It was left as it is.
    #[error("{} was made by a newer Firstlight (format {found}, this version knows {known})", path.display())]
    TooNew {
        /// The journal's file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The file holds a record that is intact but of a kind not known here.
    #[error("record {seq} is of a kind this version does not know: {cause}")]
    NotUnderstood {
        /// Which record.
        seq: u64,
        /// What is not understood.
        cause: String,
    },
    /// The file is damaged and there is no copy to restore. It was left where it is: only
    /// [`crate::Journal::start_anew`] puts it aside.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The journal's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no journal yet where one was to be read.
    #[error("there is no journal at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The signature of a checkpoint could not be made.
    #[error("the checkpoint could not be signed: {cause}")]
    NotSigned {
        /// What the signer said.
        cause: String,
    },
    /// The system gave no randomness, without which records cannot be salted.
    #[error("the system gives no randomness: {cause}")]
    NoRandomness {
        /// What the system said.
        cause: String,
    },
    /// The disk failed while reading or writing.
    #[error("{} could not be read or written: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The database refused in a way that no person can mend: a mistake of ours.
    #[error("the journal's database refused: {cause}")]
    Internal {
        /// What the database said.
        cause: String,
    },
}

impl JournalError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotWritable { .. } => {
                "Give yourself the right to write there, or set FIRSTLIGHT_HOME to a folder you own."
            }
            Self::DiskFull { .. } => "Free some space and try again; nothing recorded so far is lost.",
            Self::Busy { .. } => "Close the other Firstlight, or wait until it is done, and try again.",
            Self::TooNew { .. } | Self::NotUnderstood { .. } => {
                "Update Firstlight, or go on with the newer version; the file was not touched."
            }
            Self::Damaged { .. } => {
                "Restore the file from a backup, or begin a new one with `firstlight journal start-anew`; the damaged file is then \
                 kept beside it."
            }
            Self::Missing { .. } => {
                "Start a journey first, or set FIRSTLIGHT_HOME to the folder that holds the journal."
            }
            Self::NotSigned { .. } => "Unlock the keychain, which holds the signing key, and try again.",
            Self::NoRandomness { .. } => {
                "Restart the computer; if it stays so, the system's random source is broken."
            }
            Self::Io { .. } => "Check the disk (cable, file system, system log), then try again.",
            Self::Internal { .. } => {
                "Please report this with the text above; what was recorded so far is kept."
            }
        }
    }

    /// Reads what SQLite said about the file at `path`.
    pub(crate) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let cause = error.to_string();
        let Some(code) = error.sqlite_error() else {
            // Our statements are fixed and the tables strict: if one does not fit the other, the file is wrong.
            return match error {
                rusqlite::Error::SqlInputError { .. }
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::QueryReturnedNoRows => Self::Damaged { path, reason: cause },
                _ => Self::Internal { cause },
            };
        };
        match code.code {
            ErrorCode::DiskFull => Self::DiskFull { path },
            // On a full tmpfs or ext4 the shared-memory file is what does not fit.
            ErrorCode::SystemIoFailure if code.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
                Self::DiskFull { path }
            }
            ErrorCode::SystemIoFailure => Self::Io { path, cause },
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                Self::NotWritable { path, cause }
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                Self::Busy { path }
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged { path, reason: cause },
            // "unsupported file format", "malformed schema" and the like.
            _ if code.extended_code == ffi::SQLITE_ERROR => Self::Damaged { path, reason: cause },
            _ => Self::Internal { cause },
        }
    }

    /// Reads what the file system said about `path`.
    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let path = path.to_owned();
        let cause = error.to_string();
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotADirectory => {
                Self::NotWritable { path, cause }
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, cause },
        }
    }
}
