//! Every error of the crates below, as the one that crosses to a person: code, cause, hint.

use firstlight_contract::error::{Code, ErrorBody};
use firstlight_domain::state::Failure;
use firstlight_journal::JournalError;
use firstlight_packs::{DocsError, FactsError, ImageError, ImportError, InitError, PackError};
use firstlight_vault::VaultError;

/// A result whose error a person can act on.
pub type Result<T> = std::result::Result<T, AppError>;

/// An error on its way to a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct AppError(pub ErrorBody);

impl AppError {
    /// An error without a hint.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(ErrorBody::new(code, message))
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Which file it is about.
    #[must_use]
    pub fn file(mut self, file: impl Into<String>, line: Option<u32>) -> Self {
        self.0.file = Some(file.into());
        self.0.line = line;
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    pub(crate) fn no_journey() -> Self {
        Self::new(Code::NoJourney, "No journey has begun on this machine yet.")
            .hint("Choose a persona and start: `firstlight up --pack DIR --persona ID`.")
    }

    pub(crate) fn unknown_step(step: &str) -> Self {
        Self::new(Code::UnknownStep, format!("This checklist has no step `{step}`."))
            .hint("`firstlight status` lists its steps.")
    }

    /// A failure of the engine outside of a step. Its last lines were masked by the engine.
    pub(crate) fn from_failure(code: Code, failure: Failure) -> Self {
        Self(ErrorBody {
            hint: failure.hint.as_deref().map(sentence),
            last_lines: failure.last_lines,
            ..ErrorBody::new(code, sentence(&failure.cause))
        })
    }
}

impl From<JournalError> for AppError {
    fn from(error: JournalError) -> Self {
        let code = match &error {
            JournalError::NotWritable { .. } => Code::HomeNotWritable,
            JournalError::DiskFull { .. } => Code::DiskFull,
            JournalError::Busy { .. } => Code::AlreadyRunning,
            JournalError::TooNew { .. } | JournalError::NotUnderstood { .. } => Code::JournalTooNew,
            JournalError::Damaged { .. } => Code::JournalDamaged,
            JournalError::Missing { .. } => Code::NoJourney,
            JournalError::NotSigned { .. } => Code::KeychainUnavailable,
            JournalError::NoRandomness { .. } | JournalError::Io { .. } | JournalError::Internal { .. } => {
                Code::Internal
            }
        };
        Self::new(code, sentence(&error.to_string())).hint(error.hint())
    }
}

impl From<PackError> for AppError {
    fn from(error: PackError) -> Self {
        match &error {
            PackError::NotFound { path } => Self::new(Code::PackNotFound, sentence(&error.to_string()))
                .hint("A pack is a folder with a `pack.yaml`; `firstlight pack init` makes one.")
                .file(path.display().to_string(), None),
            PackError::Unreadable { path, source } => {
                Self::new(Code::PackNotFound, format!("{} cannot be read: {source}.", path.display()))
                    .hint("Check that the file is there and that you may read it.")
                    .file(path.display().to_string(), None)
            }
            PackError::TooLarge { .. } => Self::new(Code::PackInvalid, sentence(&error.to_string()))
                .hint("Keep data and programs out of the pack, and let a step fetch them."),
            PackError::Invalid(report) => {
                let errors = report.errors().count();
                let Some(first) = report.errors().next() else {
                    return Self::new(Code::PackInvalid, sentence(&report.to_string()));
                };
                let more = if errors > 1 { format!(" (and {} more)", errors - 1) } else { String::new() };
                let hint =
                    first.help.as_deref().map_or_else(String::new, |help| format!("{} ", sentence(help)));
                Self::new(Code::PackInvalid, format!("{}{more}.", capital(&first.message)))
                    .hint(format!("{hint}`firstlight pack lint` shows everything that is wrong."))
                    .file(report.source_name(), Some(first.line))
            }
        }
    }
}

impl From<FactsError> for AppError {
    fn from(error: FactsError) -> Self {
        match error {
            FactsError::File(PackError::NotFound { path } | PackError::Unreadable { path, .. }) => {
                Self::new(Code::Usage, format!("{} cannot be read.", path.display()))
                    .hint("Check that the file is there and that you may read it.")
            }
            FactsError::File(error) => error.into(),
            FactsError::Invalid { .. } => Self::new(Code::Usage, sentence(&error.to_string())).hint(
                "Write `os: linux`, `macos` or `windows`, and what differs from a usual machine: `arch`, `distribution`, \
                 `home`, `user`, `shell`, `package_manager`, `elevated`, `virtualisation`.",
            ),
        }
    }
}

impl From<ImportError> for AppError {
    fn from(error: ImportError) -> Self {
        let formats = || firstlight_packs::import_formats().join(", ");
        match error {
            ImportError::Unknown { .. } => Self::new(Code::Usage, sentence(&error.to_string()))
                .hint(format!("Say what the file is: `--as` with one of {}.", formats())),
            ImportError::NoFormat { .. } => Self::new(Code::Usage, sentence(&error.to_string()))
                .hint(format!("Choose one of: {}.", formats())),
            ImportError::File(error @ PackError::TooLarge { .. }) => {
                Self::new(Code::Usage, sentence(&error.to_string()))
                    .hint("Take out of it what is no setup of a machine.")
            }
            ImportError::File(PackError::NotFound { path }) => {
                Self::new(Code::Usage, format!("{} is no file.", path.display()))
                    .hint("Name a file, or a project's folder.")
            }
            ImportError::File(PackError::Unreadable { path, source }) => {
                Self::new(Code::Usage, format!("{} cannot be read: {source}.", path.display()))
                    .hint("Check that the file is there, that it is UTF-8 text and that you may read it.")
            }
            ImportError::File(error) => error.into(),
            ImportError::Unreadable { ref file, line, .. } => {
                Self::new(Code::Usage, sentence(&error.to_string()))
                    .file(file.clone(), Some(line))
                    .hint("Mend the file, or say with `--as` what else it is.")
            }
            ImportError::Write(error) => error.into(),
        }
    }
}

impl From<DocsError> for AppError {
    fn from(error: DocsError) -> Self {
        match error {
            DocsError::Pack(error) => error.into(),
            DocsError::NoDocument { .. } => Self::new(Code::Usage, sentence(&error.to_string()))
                .hint("`firstlight docs list` names the documents there are."),
            DocsError::NoWord => Self::new(Code::Usage, sentence(&error.to_string()))
                .hint("Name at least one word: `firstlight docs search vpn`."),
            DocsError::Index(_) => Self::new(Code::Internal, sentence(&error.to_string())),
        }
    }
}

impl From<ImageError> for AppError {
    fn from(error: ImageError) -> Self {
        Self::new(Code::Usage, sentence(&error.to_string()))
            .hint("Tell the pack's owner; `firstlight pack lint` says the same.")
    }
}

impl From<InitError> for AppError {
    fn from(error: InitError) -> Self {
        match &error {
            InitError::NotEmpty { .. } => Self::new(Code::Usage, sentence(&error.to_string()))
                .hint("Choose a new folder; nothing is overwritten."),
            InitError::Unwritable { path, source } => {
                Self::new(Code::Usage, format!("{} cannot be written: {source}.", path.display()))
                    .hint("Choose a folder you can write to.")
            }
        }
    }
}

impl From<VaultError> for AppError {
    fn from(error: VaultError) -> Self {
        let code = match &error {
            VaultError::NoBus { .. }
            | VaultError::NoDaemon { .. }
            | VaultError::NoCollection
            | VaultError::Other { .. } => Code::KeychainUnavailable,
            VaultError::Locked | VaultError::PromptDismissed | VaultError::TimedOut { .. } => {
                Code::KeychainLocked
            }
            VaultError::TooLong { .. } | VaultError::TooShort { .. } | VaultError::Empty => {
                Code::CredentialInvalid
            }
            VaultError::NotFound | VaultError::NotText => Code::CredentialUnknown,
            VaultError::NoRandomness { .. } => Code::Internal,
        };
        Self::new(code, sentence(&error.to_string())).hint(error.hint())
    }
}

/// A library's words as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    format!("{}.", capital(text.trim_end_matches('.')))
}

pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
