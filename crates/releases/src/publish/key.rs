//! Keys: what signs, and what checks.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use ed25519_dalek::{
    Signer as _, SigningKey,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes},
};
use pkcs8::{EncryptedPrivateKeyInfo, LineEnding, PrivateKeyInfo, SecretDocument, pkcs5::pbes2};
use secrecy::{ExposeSecret as _, SecretString};
use tough::schema::{
    decoded::{Decoded, Hex},
    key::{Ed25519Key, Ed25519Scheme, Key},
};
use zeroize::Zeroizing;

use super::error::{PublishError, Result};
use crate::layout::shown;

/// At least this many characters protect a key file.
pub const MIN_PASSPHRASE: usize = 12;

/// The field of a key that says whose it is. It is signed with the rest.
const OWNER: &str = "x-firstlight-owner";

/// A name, not a story.
const MAX_OWNER: usize = 80;

/// The label of an encrypted PKCS#8 document.
const PEM_LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// What signs. Implement it for a key that a program outside keeps, like a smart card or an HSM: `sign` is given the bytes
/// to sign and may ask whoever is there for a PIN; everything else follows from the public key.
pub trait Signer: Send + Sync {
    /// The key others check with.
    fn public(&self) -> PublicKey;

    /// Signs. Ed25519 over the bytes as they are; for other kinds as the scheme of [`Signer::public`] says.
    fn sign(&self, bytes: &[u8]) -> std::result::Result<Vec<u8>, SignerError>;
}

/// Why a key could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// There is no key, or it cannot be read.
    #[error("the key {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that holds something else.
    #[error("{what} is not a key that signs releases")]
    NotAKey {
        /// What was read.
        what: String,
    },
    /// The passphrase does not open it.
    #[error("the passphrase does not open this key")]
    WrongPassphrase,
    /// Too short to protect anything.
    #[error("the passphrase is too short: it needs {MIN_PASSPHRASE} characters")]
    ShortPassphrase,
    /// Whose a key is cannot be shown as it was written.
    #[error("`{0}` does not say whose key it is: write a name of at most {MAX_OWNER} characters")]
    BadOwner(String),
    /// The system gave no random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(String),
    /// What keeps the key did not sign.
    #[error("the key was not used: {0}")]
    Refused(String),
}

impl SignerError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Check the path, and that the file is yours to read.",
            Self::NotAKey { .. } => {
                "`firstlight pack keygen` makes a key: FILE is to be kept, FILE.pub to be handed out."
            }
            Self::WrongPassphrase => {
                "Try again. A passphrase that is lost cannot be found: have the key replaced with \
                                      `firstlight pack root replace`."
            }
            Self::ShortPassphrase => "Four or five random words are easy to keep.",
            Self::BadOwner(_) => "For example: --owner \"Ada, platform team\".",
            Self::NoRandomness(_) => "Restart the machine and try again.",
            Self::Refused(_) => "See what the program that keeps the key says.",
        }
    }
}

/// What checks a signature, and whose it is.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Key);

impl PublicKey {
    /// As metadata has it.
    pub(super) fn of(key: &Key) -> Self {
        Self(key.clone())
    }

    /// As metadata has it.
    pub(super) fn tuf(&self) -> &Key {
        &self.0
    }

    /// The id metadata calls it by.
    pub(super) fn id(&self) -> Result<Decoded<Hex>> {
        self.0.key_id().map_err(|error| PublishError::unsound("a key", error))
    }

    /// Whose it is; the beginning of the key itself where that is not said.
    pub fn owner(&self) -> String {
        let named = self.extra().get(OWNER).and_then(|owner| owner.as_str());
        named.map_or_else(|| format!("key {}", self.fingerprint()), |owner| shown(owner, MAX_OWNER))
    }

    /// The same key with the name of whose it is.
    pub fn owned_by(mut self, owner: &str) -> std::result::Result<Self, SignerError> {
        let owner = owner.trim();
        if owner.is_empty() || owner.chars().count() > MAX_OWNER || owner.contains(char::is_control) {
            return Err(SignerError::BadOwner(shown(owner, MAX_OWNER)));
        }
        let extra = match &mut self.0 {
            Key::Rsa { _extra: extra, .. }
            | Key::Ed25519 { _extra: extra, .. }
            | Key::Ecdsa { _extra: extra, .. }
            | Key::EcdsaOld { _extra: extra, .. } => extra,
        };
        extra.insert(OWNER.to_owned(), owner.into());
        Ok(self)
    }

    /// The first 16 digits of the key itself, to be read out to each other.
    pub fn fingerprint(&self) -> String {
        use sha2::{Digest as _, Sha256};
        let sum = Sha256::digest(self.value());
        super::metadata::digits(&sum[..8])
    }

    /// Whether it is the same key, whatever it is called.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.value() == other.value()
    }

    /// The key itself.
    pub(super) fn value(&self) -> &[u8] {
        match &self.0 {
            Key::Rsa { keyval, .. } => &keyval.public,
            Key::Ed25519 { keyval, .. } => &keyval.public,
            Key::Ecdsa { keyval, .. } | Key::EcdsaOld { keyval, .. } => &keyval.public,
        }
    }

    fn extra(&self) -> &std::collections::HashMap<String, serde_json::Value> {
        match &self.0 {
            Key::Rsa { _extra: extra, .. }
            | Key::Ed25519 { _extra: extra, .. }
            | Key::Ecdsa { _extra: extra, .. }
            | Key::EcdsaOld { _extra: extra, .. } => extra,
        }
    }

    /// Reads what [`PublicKey::save`] wrote.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .map_err(|source| SignerError::Unreadable { path: path.to_owned(), source })?;
        serde_json::from_str(&text)
            .map(Self)
            .map_err(|_| SignerError::NotAKey { what: path.display().to_string() }.into())
    }

    /// Writes it to a new file, to be handed to whoever begins the repository.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut text =
            serde_json::to_string_pretty(&self.0).map_err(|error| PublishError::unsound("the key", error))?;
        text.push('\n');
        new_file(path, text.as_bytes(), false)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.owner(), self.fingerprint())
    }
}

/// A key in memory, wiped when dropped.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new one.
    pub fn generate() -> Result<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        random(&mut seed[..])?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// The one of a seed.
    #[cfg(any(test, feature = "testing"))]
    pub fn of_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// Writes it to a new file that only its owner may read, under a passphrase. (On Windows: that whoever may read the
    /// folder may read.)
    pub fn save(&self, path: &Path, passphrase: &SecretString) -> Result<()> {
        if passphrase.expose_secret().chars().count() < MIN_PASSPHRASE {
            return Err(SignerError::ShortPassphrase.into());
        }
        new_file(path, self.encrypted(passphrase)?.as_bytes(), true)
    }

    /// Reads what [`SecretKey::save`] wrote.
    pub fn load(path: &Path, passphrase: &SecretString) -> Result<Self> {
        let text = fs::read_to_string(path)
            .map_err(|source| SignerError::Unreadable { path: path.to_owned(), source })?;
        let no_key = || SignerError::NotAKey { what: path.display().to_string() };
        let (label, document) = SecretDocument::from_pem(&text).map_err(|_| no_key())?;
        if label != PEM_LABEL {
            return Err(no_key().into());
        }
        let encrypted = EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| no_key())?;
        let plain =
            encrypted.decrypt(passphrase.expose_secret()).map_err(|_| SignerError::WrongPassphrase)?;
        let key = SigningKey::from_pkcs8_der(plain.as_bytes()).map_err(|_| no_key())?;
        Ok(Self(key))
    }

    /// As text for a keychain: PKCS#8, not encrypted.
    pub fn to_text(&self) -> Result<SecretString> {
        let pem = self
            .document()
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|error| PublishError::unsound("the key", error))?;
        Ok(SecretString::from(pem.as_str()))
    }

    /// Reads what [`SecretKey::to_text`] wrote.
    pub fn from_text(text: &SecretString) -> Result<Self> {
        let key = SigningKey::from_pkcs8_pem(text.expose_secret())
            .map_err(|_| SignerError::NotAKey { what: "what the keychain holds".to_owned() })?;
        Ok(Self(key))
    }

    /// Without the public half, which follows from it, and with which OpenSSL would not read it.
    fn document(&self) -> KeypairBytes {
        KeypairBytes { secret_key: self.0.to_bytes(), public_key: None }
    }

    fn encrypted(&self, passphrase: &SecretString) -> Result<Zeroizing<String>> {
        let fault = |error: pkcs8::Error| PublishError::unsound("the key", error);
        let plain = self.document().to_pkcs8_der().map_err(fault)?;
        let (mut salt, mut start) = ([0; 16], [0; 16]);
        random(&mut salt)?;
        random(&mut start)?;
        // OWASP's password storage cheat sheet counts these as equal to N=2^17, p=1; unlike that, OpenSSL reads them.
        let cost = pkcs8::pkcs5::scrypt::Params::new(14, 8, 5, 32)
            .map_err(|error| PublishError::unsound("the key", error))?;
        let scheme = pbes2::Parameters::scrypt_aes256cbc(cost, &salt, &start)
            .map_err(|error| PublishError::unsound("the key", error))?;
        let info = PrivateKeyInfo::try_from(plain.as_bytes()).map_err(fault)?;
        let document = info.encrypt_with_params(scheme, passphrase.expose_secret()).map_err(fault)?;
        document.to_pem(PEM_LABEL, LineEnding::LF).map_err(|error| PublishError::unsound("the key", error))
    }
}

impl Signer for SecretKey {
    fn public(&self) -> PublicKey {
        let public = self.0.verifying_key().to_bytes().to_vec();
        PublicKey(Key::Ed25519 {
            keyval: Ed25519Key { public: public.into(), _extra: std::collections::HashMap::new() },
            scheme: Ed25519Scheme::Ed25519,
            _extra: std::collections::HashMap::new(),
        })
    }

    fn sign(&self, bytes: &[u8]) -> std::result::Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(bytes).to_vec())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret of {}", self.public().fingerprint())
    }
}

fn random(bytes: &mut [u8]) -> Result<()> {
    Ok(getrandom::fill(bytes).map_err(|error| SignerError::NoRandomness(error.to_string()))?)
}

/// Writes a file that is not there yet; whole, or not at all.
fn new_file(path: &Path, content: &[u8], private: bool) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let written = || -> io::Result<()> {
        // Made for its owner alone.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        #[cfg(unix)]
        if !private {
            use std::os::unix::fs::PermissionsExt as _;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        }
        #[cfg(not(unix))]
        let _ = private;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        super::disk::sync_folder(folder)
    };
    written().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => PublishError::Exists(path.to_owned()),
        _ => PublishError::written(path)(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn a_key_file_opens_with_its_passphrase_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ada.key");
        let key = SecretKey::generate().unwrap();
        let short = key.save(&path, &passphrase("eleven char")).unwrap_err();
        assert!(matches!(short, PublishError::Signer(SignerError::ShortPassphrase)), "{short}");
        key.save(&path, &passphrase("correct horse battery")).unwrap();
        assert!(!fs::read_to_string(&path).unwrap().contains("BEGIN PRIVATE"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let again = SecretKey::load(&path, &passphrase("correct horse battery")).unwrap();
        assert!(again.public().is_same_key(&key.public()));
        let wrong = SecretKey::load(&path, &passphrase("another passphrase")).unwrap_err();
        assert!(matches!(wrong, PublishError::Signer(SignerError::WrongPassphrase)), "{wrong}");
        let there = key.save(&path, &passphrase("correct horse battery")).unwrap_err();
        assert!(matches!(there, PublishError::Exists(_)), "{there}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    /// RFC 8410, section 7: version 0, the algorithm, the seed, and nothing else. Other programs read no other form.
    #[test]
    fn a_key_is_written_in_the_form_that_everybody_reads() {
        let plain = SecretKey::of_seed([7; 32]).document().to_pkcs8_der().unwrap();
        let (head, seed) = plain.as_bytes().split_at(16);
        assert_eq!(super::super::metadata::digits(head), "302e020100300506032b657004220420");
        assert_eq!(seed, [7; 32]);
    }

    #[test]
    fn a_key_says_whose_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ada.pub");
        let key = SecretKey::of_seed([7; 32]).public().owned_by("Ada, platform").unwrap();
        key.save(&path).unwrap();
        let read = PublicKey::load(&path).unwrap();
        assert_eq!(read.owner(), "Ada, platform");
        assert_eq!(read, key);
        assert!(key.clone().owned_by("A\u{1b}[2Jda").is_err());
        fs::write(&path, "-----BEGIN PRIVATE KEY-----").unwrap();
        assert!(PublicKey::load(&path).is_err());
    }

    #[test]
    fn a_keychain_holds_it_as_text_within_the_smallest_limit() {
        let key = SecretKey::generate().unwrap();
        let text = key.to_text().unwrap();
        assert!(text.expose_secret().encode_utf16().count() < 1_280);
        assert!(SecretKey::from_text(&text).unwrap().public().is_same_key(&key.public()));
    }
}
