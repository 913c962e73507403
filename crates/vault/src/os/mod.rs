//! The keychain of the operating system, over keyring-core.
//!
//! Each call connects anew and sets keyring-core's default store. That costs milliseconds, for calls that happen a few
//! times in a journey, and it is what makes a keychain that appears later, or was restarted, work without a restart of
//! ours; it also never hands the next call a connection that an abandoned one still holds.

#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod platform;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "secret_service.rs"]
mod platform;
#[cfg(windows)]
#[path = "windows.rs"]
mod platform;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use firstlight_domain::id::CredentialName;
use keyring_core::{Entry, Error as KeyringError};
use secrecy::{ExposeSecret, SecretString};
use zeroize::{Zeroize, Zeroizing};

use crate::lane::{Lane, StillWanted};
use crate::{Keychain, VaultError, check_value};

/// The service under which all values are stored; what the person sees in the system's keychain program.
pub const SERVICE: &str = "dev.firstlight";

/// How long a call waits by default: enough to find and answer the question to unlock.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The keychain of this machine: Secret Service on Linux, the login keychain on macOS, the Credential Manager on
/// Windows. There is no fallback: without one, each call is an error that says why.
pub struct OsKeychain {
    lane: Lane,
    timeout: Duration,
    /// Held while something is changed, so that a call given up in the middle of a change can not overtake the next.
    changing: Arc<Mutex<()>>,
}

impl Default for OsKeychain {
    fn default() -> Self {
        Self::new()
    }
}

impl OsKeychain {
    /// A keychain with [`DEFAULT_TIMEOUT`]. Does not connect yet.
    pub fn new() -> Self {
        Self::with_timeout(DEFAULT_TIMEOUT)
    }

    /// A keychain whose calls end after `timeout`.
    pub fn with_timeout(timeout: Duration) -> Self {
        Self { lane: Lane::default(), timeout, changing: Arc::default() }
    }
}

#[async_trait]
impl Keychain for OsKeychain {
    async fn set(&self, name: &CredentialName, value: &SecretString) -> Result<(), VaultError> {
        check_value(value)?;
        let (name, value, changing) = (name.clone(), value.clone(), Arc::clone(&self.changing));
        self.lane.run(self.timeout, move |still_wanted| set(&name, &value, &changing, still_wanted)).await
    }

    async fn get(&self, name: &CredentialName) -> Result<Option<SecretString>, VaultError> {
        let name = name.clone();
        self.lane.run(self.timeout, move |_| get(&name)).await
    }

    async fn delete(&self, name: &CredentialName) -> Result<(), VaultError> {
        let (name, changing) = (name.clone(), Arc::clone(&self.changing));
        self.lane.run(self.timeout, move |still_wanted| delete(&name, &changing, still_wanted)).await
    }

    async fn probe(&self) -> Result<(), VaultError> {
        self.lane.run(self.timeout, |_| platform::probe()).await
    }
}

fn entry(name: &CredentialName) -> Result<Entry, VaultError> {
    keyring_core::set_default_store(platform::store().map_err(translate)?);
    Entry::new(SERVICE, name.as_str()).map_err(translate)
}

fn get(name: &CredentialName) -> Result<Option<SecretString>, VaultError> {
    match entry(name)?.get_password() {
        Ok(value) => {
            let value = Zeroizing::new(value);
            Ok(Some(SecretString::from(value.as_str())))
        }
        Err(KeyringError::NoEntry) => Ok(None),
        Err(error) => Err(translate(error)),
    }
}

fn set(
    name: &CredentialName,
    value: &SecretString,
    changing: &Mutex<()>,
    still_wanted: StillWanted<'_>,
) -> Result<(), VaultError> {
    let entry = entry(name)?;
    // All that may ask the person something comes first, then the question whether the answer still matters.
    let target = match entry.get_credential() {
        Ok(existing) => existing,
        Err(KeyringError::NoEntry) => {
            platform::unlock_for_new_entry()?;
            entry
        }
        Err(error) => return Err(translate(error)),
    };
    change(changing, still_wanted, || target.set_password(value.expose_secret()))
}

fn delete(
    name: &CredentialName,
    changing: &Mutex<()>,
    still_wanted: StillWanted<'_>,
) -> Result<(), VaultError> {
    let existing = entry(name)?.get_credential().map_err(translate)?;
    change(changing, still_wanted, || existing.delete_credential())
}

fn change(
    changing: &Mutex<()>,
    still_wanted: StillWanted<'_>,
    act: impl FnOnce() -> Result<(), KeyringError>,
) -> Result<(), VaultError> {
    // The lock guards no data, only an order; a panic while it was held leaves nothing to distrust.
    let _one_at_a_time = changing.lock().unwrap_or_else(PoisonError::into_inner);
    if !still_wanted() {
        return Err(VaultError::Other { cause: "the call was given up".to_owned() });
    }
    act().map_err(translate)
}

/// From keyring's errors to ours. Theirs end here: `BadEncoding` and `BadDataFormat` carry the value, in `Debug` too.
fn translate(error: KeyringError) -> VaultError {
    let other = |cause: String| VaultError::Other { cause };
    match error {
        KeyringError::NoEntry => VaultError::NotFound,
        KeyringError::BadEncoding(mut value) | KeyringError::BadDataFormat(mut value, _) => {
            value.zeroize();
            VaultError::NotText
        }
        KeyringError::PlatformFailure(cause) => platform::classify(&*cause),
        KeyringError::NoStorageAccess(cause) => match platform::classify(&*cause) {
            VaultError::Other { .. } => VaultError::Locked,
            told_apart => told_apart,
        },
        KeyringError::Ambiguous(entries) => {
            other(format!("{} entries have this name; remove all but one", entries.len()))
        }
        KeyringError::NoDefaultStore => other("no keychain was chosen".to_owned()),
        KeyringError::BadStoreFormat(cause) | KeyringError::NotSupportedByStore(cause) => other(cause),
        KeyringError::TooLong(what, limit) => other(format!("{what} is longer than {limit}")),
        KeyringError::Invalid(what, why) => other(format!("{what}: {why}")),
        // Their enum is open. What is not known here may carry a value, so nothing of it is repeated.
        _ => other("an error this version does not know".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c2_errors_that_carry_the_value_do_not_bring_it_out() {
        let secret = "s3cr3t-value-of-the-user";
        let bad_format = std::io::Error::other("padding");
        for error in [
            KeyringError::BadEncoding(secret.as_bytes().to_vec()),
            KeyringError::BadDataFormat(secret.as_bytes().to_vec(), Box::new(bad_format)),
        ] {
            let shown = translate(error);
            assert_eq!(shown, VaultError::NotText);
            let everything = format!("{shown} {shown:?} {}", shown.hint());
            let as_numbers = format!("{:?}", secret.as_bytes());
            assert!(
                !everything.contains(secret) && !everything.contains(as_numbers.trim_matches(['[', ']']))
            );
        }
    }

    #[tokio::test]
    async fn c3_too_long_is_refused_before_the_keychain_is_asked() {
        // Were the keychain asked, a timeout of zero would be the answer.
        let keychain = OsKeychain::with_timeout(Duration::ZERO);
        let name = CredentialName::new("token").unwrap();
        let result = keychain.set(&name, &SecretString::from("x".repeat(1_281))).await;
        assert_eq!(result, Err(VaultError::TooLong { length: 1_281, limit: 1_280 }));
    }
}
