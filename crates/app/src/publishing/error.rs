//! Why something was not signed or published, as it is said to a person.

use std::{io, path::Path};

use firstlight_contract::error::Code;
use firstlight_releases::{
    layout::NameError,
    publish::{PublishError, SignerError},
};

use crate::error::{AppError, sentence};

impl From<PublishError> for AppError {
    fn from(error: PublishError) -> Self {
        let code = match &error {
            PublishError::NoRepository(_)
            | PublishError::Exists(_)
            | PublishError::NoDraft(_)
            | PublishError::Io { .. }
            | PublishError::UnknownKey { .. }
            | PublishError::UnknownPack { .. }
            | PublishError::PackExists { .. }
            | PublishError::UnknownRelease { .. }
            | PublishError::Rollout(_) => Code::Usage,
            PublishError::Busy(_) => Code::AlreadyRunning,
            PublishError::Unsound { .. } | PublishError::NotWhole { .. } => Code::RepositoryUnsound,
            PublishError::TooFewSignatures { .. } => Code::NotSigned,
            PublishError::SignedAlready(_) | PublishError::WrongKey { .. } | PublishError::SameKey { .. } => {
                Code::KeyRefused
            }
            PublishError::Stale { .. } | PublishError::Expired { .. } => Code::DraftStale,
            PublishError::NotNewer { .. }
            | PublishError::Changed { .. }
            | PublishError::Name(NameError::Pack(_) | NameError::Version(_) | NameError::Path { .. })
            | PublishError::NotPlain(_)
            | PublishError::TooLarge { .. } => Code::NotPublishable,
            PublishError::Signer(error) => signer_code(error),
        };
        let hint = error.hint();
        Self::new(code, sentence(&error.to_string())).hint(hint)
    }
}

impl From<SignerError> for AppError {
    fn from(error: SignerError) -> Self {
        PublishError::from(error).into()
    }
}

fn signer_code(error: &SignerError) -> Code {
    match error {
        SignerError::Unreadable { .. } | SignerError::BadOwner(_) => Code::Usage,
        SignerError::NotAKey { .. }
        | SignerError::WrongPassphrase
        | SignerError::ShortPassphrase
        | SignerError::Refused(_) => Code::KeyRefused,
        SignerError::NoRandomness(_) => Code::Internal,
    }
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> AppError {
    AppError::new(Code::Usage, format!("{} cannot be read: {error}.", path.display()))
        .hint("Check that the file is there and that you may read it.")
}
