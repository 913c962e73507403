//! Windows: the Credential Manager.
//!
//! Relied on, and not shown by a test here: it is unlocked with the person's session and never asks; it stores text as
//! UTF-16, at most 2,560 bytes, which `check_value` enforces on every system.

use std::error::Error as StdError;
use std::sync::Arc;

use keyring_core::{CredentialStore, Error as KeyringError};

use crate::VaultError;

pub(super) fn store() -> Result<Arc<CredentialStore>, KeyringError> {
    Ok(windows_native_keyring_store::Store::new()?)
}

/// The Credential Manager is always there.
pub(super) fn probe() -> Result<(), VaultError> {
    store().map(drop).map_err(super::translate)
}

/// Nothing to unlock.
#[expect(clippy::unnecessary_wraps, reason = "the other platforms can fail here")]
pub(super) fn unlock_for_new_entry() -> Result<(), VaultError> {
    Ok(())
}

pub(super) fn classify(cause: &(dyn StdError + Send + Sync + 'static)) -> VaultError {
    VaultError::Other { cause: cause.to_string() }
}
