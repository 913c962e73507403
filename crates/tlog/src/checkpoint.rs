//! Checkpoints: signed statements "the tree of this log had this root at this size" (C2SP `tlog-checkpoint` in a C2SP
//! signed note), which anchor the records before them.

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use signed_note::{Note, Signature, StandardVerifier, VerifierList};

use crate::{Hash, Tree, root};

/// Signs checkpoints with an Ed25519 key that is kept elsewhere.
pub trait Signer {
    /// The public half, 32 bytes as in RFC 8032.
    fn public_key(&self) -> Result<[u8; 32], SignError>;
    /// The signature over the message, 64 bytes as in RFC 8032.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

/// Why there is no signature, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SignError(pub String);

/// Why a note says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// What should be a public key is none.
    #[error("the public key is not one")]
    NotAKey,
    /// It is no signed note, or not signed with the key.
    #[error("{0}")]
    NotSigned(String),
    /// It is a checkpoint of something else.
    #[error("it is not of this log")]
    OtherLog,
    /// It has no size.
    #[error("its size is not a number")]
    NoSize,
    /// It has no root.
    #[error("its root is not a hash")]
    NoRoot,
}

/// Signs with a key whose secret seed is in memory; it is wiped when dropped.
pub struct SeedSigner(SigningKey);

impl SeedSigner {
    /// Takes the 32 bytes of the secret seed (RFC 8032).
    pub fn new(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }
}

impl Signer for SeedSigner {
    fn public_key(&self) -> Result<[u8; 32], SignError> {
        Ok(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        self.0
            .try_sign(message)
            .map(|signature| signature.to_bytes())
            .map_err(|error| SignError(error.to_string()))
    }
}

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many records it covers.
    pub size: u64,
    /// The root of the tree over them.
    pub root: [u8; 32],
    /// When it was made, by the clock of whoever signed.
    pub at: Timestamp,
    /// The public key it is signed with.
    pub key: [u8; 32],
    /// The signed note: origin, size, root, a blank line, the signature.
    pub note: String,
}

/// Signs a tree. `origin` is the name of its log, which is also its key's name.
pub fn make(origin: &str, tree: &Tree, at: Timestamp, signer: &dyn Signer) -> Result<Checkpoint, SignError> {
    let key = signer.public_key()?;
    let (size, root) = (tree.len(), root(tree));
    let note = sign(origin, &text(origin, size, &root), &key, signer)?;
    Ok(Checkpoint { size, root, at, key, note })
}

/// The size and root a checkpoint of a log states, if `key` signed it.
pub fn opened(note: &str, origin: &str, key: &[u8; 32]) -> Result<(u64, Hash), NoteError> {
    let text = signed_text(note, origin, key)?;
    // Lines after the third are extensions, which are allowed and ignored.
    let mut lines = text.lines();
    if lines.next() != Some(origin) {
        return Err(NoteError::OtherLog);
    }
    let size = lines.next().filter(|size| *size == "0" || !size.starts_with(['0', '+']));
    let size = size.and_then(|size| size.parse().ok()).ok_or(NoteError::NoSize)?;
    let root = lines.next().and_then(|root| BASE64_STANDARD.decode(root).ok());
    let root = root.and_then(|root| root.try_into().ok()).ok_or(NoteError::NoRoot)?;
    Ok((size, root))
}

/// The verifier key in the text form of C2SP signed notes: `name+id+base64(0x01 || key)`. None if it is not a key.
pub fn verifier_key(name: &str, key: &[u8; 32]) -> Option<String> {
    let key = VerifyingKey::from_bytes(key).ok()?;
    Some(signed_note::new_ed25519_verifier_key(name, &key))
}

fn text(origin: &str, size: u64, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", BASE64_STANDARD.encode(root))
}

fn key_id(name: &str, key: &[u8; 32]) -> u32 {
    // 0x01 says Ed25519.
    let mut typed = vec![0x01];
    typed.extend_from_slice(key);
    signed_note::key_id(name, &typed)
}

fn sign(name: &str, text: &str, key: &[u8; 32], signer: &dyn Signer) -> Result<String, SignError> {
    let signature = signer.sign(text.as_bytes())?;
    let signature = Signature::new(name.to_owned(), key_id(name, key), signature.to_vec())
        .map_err(|error| SignError(error.to_string()))?;
    let note = Note::new(text.as_bytes(), &[signature]).map_err(|error| SignError(error.to_string()))?;
    let note = String::from_utf8_lossy(&note.to_bytes()).into_owned();
    // A signer that gives a signature of another key is found here, not at the next verification.
    signed_text(&note, name, key).map_err(|error| SignError(error.to_string()))?;
    Ok(note)
}

/// The text of a note, if `key` signed it.
fn signed_text(note: &str, name: &str, key: &[u8; 32]) -> Result<String, NoteError> {
    let verifier_key = verifier_key(name, key).ok_or(NoteError::NotAKey)?;
    let not_signed = |error: &dyn std::fmt::Display| NoteError::NotSigned(error.to_string());
    let verifier = StandardVerifier::new(&verifier_key).map_err(|error| not_signed(&error))?;
    let note = Note::from_bytes(note.as_bytes()).map_err(|error| not_signed(&error))?;
    note.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|error| not_signed(&error))?;
    Ok(String::from_utf8_lossy(note.text()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP signed-note and of golang.org/x/mod/sumdb/note.
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";
    const SECRET: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SIGNATURE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn peter() -> SeedSigner {
        let seed: [u8; 32] = BASE64_STANDARD.decode(SECRET).unwrap()[1..].try_into().unwrap();
        SeedSigner::new(&seed)
    }

    #[test]
    fn b1_a_note_is_signed_as_the_published_example_is() {
        let key = peter().public_key().unwrap();
        assert_eq!(verifier_key("PeterNeumann", &key).unwrap(), VERIFIER);
        let note = sign("PeterNeumann", TEXT, &key, &peter()).unwrap();
        assert_eq!(note, format!("{TEXT}\n{SIGNATURE}"));
        assert_eq!(signed_text(&note, "PeterNeumann", &key).as_deref(), Ok(TEXT));
    }

    #[test]
    fn b1_a_note_of_another_key_name_or_text_is_refused() {
        let key = peter().public_key().unwrap();
        let other = SeedSigner::new(&[9; 32]).public_key().unwrap();
        let note = format!("{TEXT}\n{SIGNATURE}");
        assert!(signed_text(&note, "PeterNeumann", &other).is_err());
        assert!(signed_text(&note, "EnochRoot", &key).is_err());
        assert!(signed_text(&note.replace("answer", "ANSWER"), "PeterNeumann", &key).is_err());
        assert!(signed_text(TEXT, "PeterNeumann", &key).is_err());
    }

    #[test]
    fn b1_a_signer_whose_signature_is_not_of_its_key_is_refused() {
        struct Confused;
        impl Signer for Confused {
            fn public_key(&self) -> Result<[u8; 32], SignError> {
                SeedSigner::new(&[9; 32]).public_key()
            }
            fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
                peter().sign(message)
            }
        }
        let key = Confused.public_key().unwrap();
        sign("PeterNeumann", TEXT, &key, &Confused).unwrap_err();
    }

    #[test]
    fn b1_a_checkpoint_says_origin_size_and_root_and_nothing_malformed_passes() {
        let origin = "firstlight.dev/journal/c0ffee00-0000-4000-8000-000000000000";
        let key = peter().public_key().unwrap();
        let open = |text: &str| opened(&sign(origin, text, &key, &peter()).unwrap(), origin, &key);
        let root = [7; 32];
        let fine = text(origin, 42, &root);
        assert_eq!(fine, format!("{origin}\n42\n{}\n", BASE64_STANDARD.encode(root)));
        assert_eq!(open(&fine), Ok((42, root)));
        assert_eq!(open(&format!("{fine}an extension\n")), Ok((42, root)));
        for bad in [fine.replace("42", "042"), fine.replace("42", "+42"), fine.replace("42", "-1")] {
            assert_eq!(open(&bad), Err(NoteError::NoSize), "{bad}");
        }
        assert_eq!(open(&fine.replace("c0ffee00", "c0ffee01")), Err(NoteError::OtherLog));
        assert_eq!(open(&fine.replace("BwcH", "Bw")), Err(NoteError::NoRoot));
    }
}
