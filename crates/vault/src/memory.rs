//! A keychain in memory, for tests, which can be told to misbehave.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use firstlight_domain::id::CredentialName;
use secrecy::SecretString;

use crate::{Keychain, VaultError, check_value};

/// How a [`MemoryKeychain`] answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Behaviour {
    /// As a keychain should.
    #[default]
    Works,
    /// Every call is this error.
    Fails(VaultError),
    /// No call is answered: each ends in `TimedOut` after this long, as with a locked collection.
    Hangs(Duration),
}

/// Keeps values in memory only and forgets them when dropped.
#[derive(Debug, Default)]
pub struct MemoryKeychain {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    values: BTreeMap<String, SecretString>,
    behaviour: Behaviour,
}

impl MemoryKeychain {
    /// An empty keychain that works.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, answer like this.
    pub fn behave(&self, behaviour: Behaviour) {
        self.with(|state| state.behaviour = behaviour);
    }

    /// The names that have a value, sorted.
    pub fn names(&self) -> Vec<String> {
        self.with(|state| state.values.keys().cloned().collect())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn answer<T>(
        &self,
        act: impl FnOnce(&mut State) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        match self.with(|state| state.behaviour.clone()) {
            Behaviour::Works => self.with(act),
            Behaviour::Fails(error) => Err(error),
            Behaviour::Hangs(after) => {
                tokio::time::sleep(after).await;
                Err(VaultError::TimedOut { after })
            }
        }
    }
}

#[async_trait]
impl Keychain for MemoryKeychain {
    async fn set(&self, name: &CredentialName, value: &SecretString) -> Result<(), VaultError> {
        check_value(value)?;
        self.answer(|state| {
            state.values.insert(name.to_string(), value.clone());
            Ok(())
        })
        .await
    }

    async fn get(&self, name: &CredentialName) -> Result<Option<SecretString>, VaultError> {
        self.answer(|state| Ok(state.values.get(name.as_str()).cloned())).await
    }

    async fn delete(&self, name: &CredentialName) -> Result<(), VaultError> {
        self.answer(|state| state.values.remove(name.as_str()).map(drop).ok_or(VaultError::NotFound)).await
    }

    async fn probe(&self) -> Result<(), VaultError> {
        self.answer(|_| Ok(())).await
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn stores_like_a_keychain_and_misbehaves_when_told() {
        let keychain = MemoryKeychain::new();
        let name = CredentialName::new("npm-token").unwrap();
        let value = SecretString::from("npm_0123456789");
        assert!(keychain.get(&name).await.unwrap().is_none());
        assert_eq!(keychain.delete(&name).await, Err(VaultError::NotFound));
        keychain.set(&name, &value).await.unwrap();
        assert_eq!(keychain.names(), ["npm-token"]);

        keychain.behave(Behaviour::Fails(VaultError::Locked));
        assert_eq!(keychain.get(&name).await.err(), Some(VaultError::Locked));
        let after = Duration::from_secs(30);
        keychain.behave(Behaviour::Hangs(after));
        assert_eq!(keychain.delete(&name).await, Err(VaultError::TimedOut { after }));

        // c2: nothing was lost by the failures.
        keychain.behave(Behaviour::Works);
        assert_eq!(keychain.get(&name).await.unwrap().unwrap().expose_secret(), "npm_0123456789");
        keychain.delete(&name).await.unwrap();
        assert!(keychain.names().is_empty());
    }
}
