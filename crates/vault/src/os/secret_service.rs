//! Linux and the other Unix systems: the Secret Service of freedesktop.org over D-Bus (gnome-keyring, `KWallet`,
//! `KeePassXC`). Tested against a real gnome-keyring in `tests/real_keyring.rs`.

use std::error::Error as StdError;
use std::sync::Arc;

use keyring_core::{CredentialStore, Error as KeyringError};
use secret_service::blocking::{Collection, SecretService};
use secret_service::{EncryptionType, Error as ServiceError};
use zbus::DBusError;

use crate::VaultError;

pub(super) fn store() -> Result<Arc<CredentialStore>, KeyringError> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

/// Looks at the default collection, asks nobody anything.
pub(super) fn probe() -> Result<(), VaultError> {
    with_default_collection(
        |collection| if collection.is_locked()? { Err(ServiceError::Locked) } else { Ok(()) },
    )
}

/// A new entry goes to the default collection. The store would unlock it while storing; done here, ahead of it, a call
/// that is given up while the person is asked has not stored anything.
pub(super) fn unlock_for_new_entry() -> Result<(), VaultError> {
    with_default_collection(|collection| if collection.is_locked()? { collection.unlock() } else { Ok(()) })
}

fn with_default_collection(
    act: impl FnOnce(&Collection<'_>) -> Result<(), ServiceError>,
) -> Result<(), VaultError> {
    // No value passes over this connection, so it needs no encryption; the store's own is encrypted.
    let service = SecretService::connect(EncryptionType::Plain).map_err(|e| told_apart(&e))?;
    let collection = service.get_default_collection().map_err(|e| told_apart(&e))?;
    act(&collection).map_err(|e| told_apart(&e))
}

pub(super) fn classify(cause: &(dyn StdError + Send + Sync + 'static)) -> VaultError {
    match cause.downcast_ref::<ServiceError>() {
        Some(error) => told_apart(error),
        None => VaultError::Other { cause: cause.to_string() },
    }
}

fn told_apart(error: &ServiceError) -> VaultError {
    match error {
        ServiceError::Unavailable => VaultError::NoBus { cause: error.to_string() },
        ServiceError::NoResult => VaultError::NoCollection,
        ServiceError::Locked => VaultError::Locked,
        ServiceError::Prompt | ServiceError::PromptDisconnected => VaultError::PromptDismissed,
        ServiceError::Zbus(error) => bus_error(error),
        ServiceError::ZbusFdo(error) => named(error.name().as_str(), error.to_string()),
        _ => VaultError::Other { cause: error.to_string() },
    }
}

fn bus_error(error: &zbus::Error) -> VaultError {
    let cause = error.to_string();
    match error {
        zbus::Error::Address(_)
        | zbus::Error::InputOutput(_)
        | zbus::Error::Handshake(_)
        | zbus::Error::Connection(..) => VaultError::NoBus { cause },
        zbus::Error::MethodError(name, ..) => named(name.as_str(), cause),
        zbus::Error::FDO(error) => named(error.name().as_str(), cause),
        _ => VaultError::Other { cause },
    }
}

/// The names are those of the D-Bus specification and of the Secret Service specification.
fn named(error: &str, cause: String) -> VaultError {
    match error.strip_prefix("org.freedesktop.") {
        Some("Secret.Error.IsLocked") => VaultError::Locked,
        Some("Secret.Error.NoSuchObject") => VaultError::NotFound,
        Some("DBus.Error.ServiceUnknown" | "DBus.Error.NameHasNoOwner" | "DBus.Error.NoReply") => {
            VaultError::NoDaemon { cause }
        }
        // The bus tried to start the service that is installed, and could not.
        Some(name) if name.starts_with("DBus.Error.Spawn.") => VaultError::NoDaemon { cause },
        Some("DBus.Error.Disconnected" | "DBus.Error.NoServer") => VaultError::NoBus { cause },
        _ => VaultError::Other { cause },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c2_errors_of_the_bus_and_of_the_service_are_told_apart() {
        let cause = || "said so".to_owned();
        let cases = [
            ("org.freedesktop.DBus.Error.ServiceUnknown", VaultError::NoDaemon { cause: cause() }),
            ("org.freedesktop.DBus.Error.Spawn.ChildExited", VaultError::NoDaemon { cause: cause() }),
            ("org.freedesktop.DBus.Error.NoReply", VaultError::NoDaemon { cause: cause() }),
            ("org.freedesktop.DBus.Error.Disconnected", VaultError::NoBus { cause: cause() }),
            ("org.freedesktop.Secret.Error.IsLocked", VaultError::Locked),
            ("org.freedesktop.DBus.Error.AccessDenied", VaultError::Other { cause: cause() }),
        ];
        for (name, expected) in cases {
            assert_eq!(named(name, cause()), expected, "{name}");
        }
        assert_eq!(told_apart(&ServiceError::Prompt), VaultError::PromptDismissed);
        assert_eq!(told_apart(&ServiceError::NoResult), VaultError::NoCollection);
        assert!(matches!(told_apart(&ServiceError::Unavailable), VaultError::NoBus { .. }));
    }
}
