//! macOS: the login keychain, through Keychain Services.
//!
//! Relied on, and not shown by a test here: the store answers `NoStorageAccess` when the keychain is locked or the
//! person refuses; looking an entry up (`get_credential`) is what asks to unlock, before anything is changed. An app
//! that is not signed is asked about again after every build.

use std::error::Error as StdError;
use std::sync::Arc;

use keyring_core::{CredentialStore, Error as KeyringError};

use crate::VaultError;

pub(super) fn store() -> Result<Arc<CredentialStore>, KeyringError> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

/// The login keychain is always there; whether it is locked can not be told without asking.
pub(super) fn probe() -> Result<(), VaultError> {
    store().map(drop).map_err(super::translate)
}

/// The keychain asks by itself when it has to.
#[expect(clippy::unnecessary_wraps, reason = "the other platforms can fail here")]
pub(super) fn unlock_for_new_entry() -> Result<(), VaultError> {
    Ok(())
}

pub(super) fn classify(cause: &(dyn StdError + Send + Sync + 'static)) -> VaultError {
    VaultError::Other { cause: cause.to_string() }
}
