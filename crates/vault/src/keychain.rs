//! The trait that everything above this crate talks to.

use async_trait::async_trait;
use firstlight_domain::id::CredentialName;
use secrecy::SecretString;

use crate::VaultError;

/// A place that keeps values by name, outside our own files.
///
/// No call blocks the caller's thread, each ends within the keychain's timeout (`TimedOut`), and each is cancelled by
/// dropping its future: a call that was given up while the person was asked to unlock changes nothing afterwards.
#[async_trait]
pub trait Keychain: Send + Sync {
    /// Stores a value, replacing one of the same name. Refuses what [`check_value`](crate::check_value) refuses.
    async fn set(&self, name: &CredentialName, value: &SecretString) -> Result<(), VaultError>;

    /// The value, or `None` when nothing is stored under the name. Changes nothing, even when it fails.
    async fn get(&self, name: &CredentialName) -> Result<Option<SecretString>, VaultError>;

    /// Removes the value. `NotFound` when there is none.
    async fn delete(&self, name: &CredentialName) -> Result<(), VaultError>;

    /// Whether a value could be stored now, as far as can be told without asking the person anything.
    async fn probe(&self) -> Result<(), VaultError>;
}
