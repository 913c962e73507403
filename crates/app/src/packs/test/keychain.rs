//! A keychain that forgets: the person's own is never asked while a pack is tested.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use firstlight_domain::id::CredentialName;
use firstlight_vault::{Keychain, VaultError, check_value};
use secrecy::SecretString;

use crate::session::lock;

/// In memory, and only for as long as the test goes on.
#[derive(Default)]
pub(super) struct Forgetful(Mutex<BTreeMap<CredentialName, SecretString>>);

#[async_trait]
impl Keychain for Forgetful {
    async fn set(&self, name: &CredentialName, value: &SecretString) -> Result<(), VaultError> {
        check_value(value)?;
        lock(&self.0).insert(name.clone(), value.clone());
        Ok(())
    }

    async fn get(&self, name: &CredentialName) -> Result<Option<SecretString>, VaultError> {
        Ok(lock(&self.0).get(name).cloned())
    }

    async fn delete(&self, name: &CredentialName) -> Result<(), VaultError> {
        lock(&self.0).remove(name).map(drop).ok_or(VaultError::NotFound)
    }

    async fn probe(&self) -> Result<(), VaultError> {
        Ok(())
    }
}
