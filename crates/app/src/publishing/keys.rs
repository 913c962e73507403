//! Keys: in files under a passphrase, or in the system's keychain.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use firstlight_contract::{error::Code, publishing::KeyView};
use firstlight_domain::id::CredentialName;
use firstlight_releases::publish::{SecretKey, Signer as _};
use firstlight_vault::Keychain;
use secrecy::SecretString;

use crate::error::{AppError, Result};

/// What a key in the keychain is called on the command line.
const IN_KEYCHAIN: &str = "keychain:";

/// Where a key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a file under a passphrase.
    File(PathBuf),
    /// In the system's keychain.
    Keychain(CredentialName),
}

impl KeyPlace {
    /// Whether it takes a passphrase to open.
    pub fn needs_passphrase(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

impl FromStr for KeyPlace {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.strip_prefix(IN_KEYCHAIN) {
            Some(name) => entry(name).map(Self::Keychain),
            None => Ok(Self::File(text.into())),
        }
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Keychain(name) => {
                let name = name.as_str();
                write!(f, "{IN_KEYCHAIN}{}", name.strip_prefix(ENTRY).unwrap_or(name))
            }
        }
    }
}

/// What keeps the names of keys apart from those of credentials.
const ENTRY: &str = "release-key-";

fn entry(name: &str) -> std::result::Result<CredentialName, String> {
    CredentialName::new(&format!("{ENTRY}{name}")).map_err(|error| error.to_string())
}

/// Makes a key. Its public half goes into a new file, `PATH.pub`; the secret one into `path` under the passphrase, or, where
/// there is a keychain instead, into that under the name of the file.
pub async fn keygen(
    path: &Path,
    owner: &str,
    passphrase: Option<SecretString>,
    keychain: &dyn Keychain,
) -> Result<KeyView> {
    let key = SecretKey::generate()?;
    let public = key.public().owned_by(owner)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    let place = match &passphrase {
        Some(_) => KeyPlace::File(path.to_owned()),
        None => {
            let name = name.to_str().unwrap_or_default();
            KeyPlace::Keychain(entry(name).map_err(|why| {
                AppError::new(Code::Usage, format!("The keychain cannot name it so: {why}."))
            })?)
        }
    };
    name.push(".pub");
    let public_file = path.with_file_name(name);
    if public_file.exists() {
        return Err(firstlight_releases::publish::PublishError::Exists(public_file).into());
    }
    match (&place, &passphrase) {
        (KeyPlace::File(path), Some(passphrase)) => key.save(path, passphrase)?,
        (KeyPlace::Keychain(name), _) => {
            if keychain.get(name).await?.is_some() {
                return Err(AppError::new(Code::Usage, format!("The keychain has a key `{place}` already."))
                    .hint("Choose a new name; nothing is overwritten."));
            }
            keychain.set(name, &key.to_text()?).await?;
        }
        (KeyPlace::File(_), None) => {
            return Err(firstlight_releases::publish::SignerError::ShortPassphrase.into());
        }
    }
    public.save(&public_file)?;
    Ok(KeyView {
        owner: public.owner(),
        fingerprint: public.fingerprint(),
        key: place.to_string(),
        public: public_file.display().to_string(),
    })
}

/// Opens a key, with its passphrase where it needs one.
pub async fn open_key(
    place: &KeyPlace,
    passphrase: Option<&SecretString>,
    keychain: &dyn Keychain,
) -> Result<SecretKey> {
    match place {
        KeyPlace::File(path) => Ok(SecretKey::load(path, passphrase.unwrap_or(&SecretString::default()))?),
        KeyPlace::Keychain(name) => {
            let text = keychain.get(name).await?.ok_or_else(|| {
                AppError::new(Code::CredentialUnknown, format!("The keychain has no key `{place}`."))
                    .hint("`firstlight pack keygen --keychain` makes one.")
            })?;
            Ok(SecretKey::from_text(&text)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use firstlight_vault::MemoryKeychain;

    use super::*;

    #[tokio::test]
    async fn a_key_in_the_keychain_signs_and_is_never_replaced() {
        let (folder, keychain) = (tempfile::tempdir().unwrap(), MemoryKeychain::new());
        let path = folder.path().join("ada");
        let made = keygen(&path, "Ada, platform", None, &keychain).await.unwrap();
        assert_eq!(made.key, "keychain:ada");
        assert!(!path.exists(), "the secret is in the keychain alone");
        let place: KeyPlace = made.key.parse().unwrap();
        let key = open_key(&place, None, &keychain).await.unwrap();
        assert_eq!(key.public().fingerprint(), made.fingerprint);
        std::fs::remove_file(&made.public).unwrap();
        let again = keygen(&path, "Ada, platform", None, &keychain).await.unwrap_err();
        assert!(again.to_string().contains("has a key"), "{again}");
        let none = open_key(&"keychain:bo".parse().unwrap(), None, &keychain).await.unwrap_err();
        assert_eq!(none.code(), Code::CredentialUnknown);
    }
}
