//! Checkpoints: signed statements "the tree of this journal had this root at this size" (C2SP `tlog-checkpoint` in a
//! C2SP signed note), which anchor the records before them.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::Sha256;
use signed_note::{Note, Signature, StandardVerifier, VerifierList};

use crate::{
    Journal, JournalError,
    journal::each,
    record::{self, Hash},
};

/// The tree of RFC 6962 over the records' leaves.
pub(crate) type Tree = MemoryBackedTree<Sha256, Vec<u8>>;

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
    /// When it was made, by this machine's clock.
    pub at: Timestamp,
    /// The public key it is signed with.
    pub key: [u8; 32],
    /// The signed note: origin, size, root, a blank line, the signature.
    pub note: String,
}

impl Journal {
    /// Signs the tree as it is now, keeps the checkpoint and refreshes the last good copy. Asked again while nothing
    /// was appended it returns the same checkpoint.
    pub fn checkpoint(&mut self, at: Timestamp, signer: &dyn Signer) -> Result<Checkpoint, JournalError> {
        let not_signed = |error: SignError| JournalError::NotSigned { cause: error.0 };
        let key = signer.public_key().map_err(not_signed)?;
        let path = self.path.clone();
        let fail = |error| JournalError::sqlite(&path, &error);
        let origin = origin(&self.device);
        let transaction =
            self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        let tree = tree(&transaction, &path)?;
        let (size, root) = (tree.len(), root(&tree));
        let kept = transaction
            .query_row("SELECT 1 FROM anchor WHERE size = ?1 AND key = ?2", params![size, key], |_| Ok(()))
            .optional()
            .map_err(fail)?;
        if kept.is_none() {
            let note = sign(&origin, &text(&origin, size, &root), &key, signer)?;
            let sum = sum(size, at, &root, &key, &note);
            transaction
                .execute(
                    "INSERT INTO anchor (size, at, root, key, note, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![size, at.to_string(), root, key, note, sum],
                )
                .map_err(fail)?;
        }
        transaction.commit().map_err(fail)?;
        self.keep_copy()?;
        all(&self.conn, &self.path)?
            .into_iter()
            .find(|anchor| anchor.size == size && anchor.key == key)
            .ok_or_else(|| JournalError::Internal { cause: "the checkpoint was not kept".into() })
    }

    /// Every checkpoint, oldest first.
    pub fn checkpoints(&self) -> Result<Vec<Checkpoint>, JournalError> {
        all(&self.conn, &self.path)
    }
}

/// The name of this journal in checkpoints, which is also its key's name.
pub(crate) fn origin(device: &str) -> String {
    format!("firstlight.dev/journal/{device}")
}

fn text(origin: &str, size: u64, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", BASE64_STANDARD.encode(root))
}

/// The verifier key in the text form of C2SP signed notes: `name+id+base64(0x01 || key)`. None if it is not a key.
fn verifier_key(name: &str, key: &[u8; 32]) -> Option<String> {
    let key = VerifyingKey::from_bytes(key).ok()?;
    Some(signed_note::new_ed25519_verifier_key(name, &key))
}

fn key_id(name: &str, key: &[u8; 32]) -> u32 {
    // 0x01 says Ed25519.
    let mut typed = vec![0x01];
    typed.extend_from_slice(key);
    signed_note::key_id(name, &typed)
}

pub(crate) fn sign(
    name: &str,
    text: &str,
    key: &[u8; 32],
    signer: &dyn Signer,
) -> Result<String, JournalError> {
    let not_signed = |cause: String| JournalError::NotSigned { cause };
    let signature = signer.sign(text.as_bytes()).map_err(|error| not_signed(error.0))?;
    let signature = Signature::new(name.to_owned(), key_id(name, key), signature.to_vec())
        .map_err(|error| not_signed(error.to_string()))?;
    let note = Note::new(text.as_bytes(), &[signature]).map_err(|error| not_signed(error.to_string()))?;
    let note = String::from_utf8_lossy(&note.to_bytes()).into_owned();
    // A signer that gives a signature of another key is found here, not at the next verification.
    signed_text(&note, name, key).map_err(not_signed)?;
    Ok(note)
}

/// The text of a note, if `key` signed it.
pub(crate) fn signed_text(note: &str, name: &str, key: &[u8; 32]) -> Result<String, String> {
    let verifier_key = verifier_key(name, key).ok_or("the public key is not one")?;
    let verifier = StandardVerifier::new(&verifier_key).map_err(|error| error.to_string())?;
    let note = Note::from_bytes(note.as_bytes()).map_err(|error| error.to_string())?;
    note.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(note.text()).into_owned())
}

/// The size and root a checkpoint of this device states, if `key` signed it.
pub(crate) fn opened(note: &str, device: &str, key: &[u8; 32]) -> Result<(u64, Hash), String> {
    let origin = origin(device);
    let text = signed_text(note, &origin, key)?;
    // Lines after the third are extensions, which are allowed and ignored.
    let mut lines = text.lines();
    if lines.next() != Some(origin.as_str()) {
        return Err("it is not of this journal".into());
    }
    let size = lines.next().filter(|size| *size == "0" || !size.starts_with(['0', '+']));
    let size = size.and_then(|size| size.parse().ok()).ok_or("its size is not a number")?;
    let root = lines.next().and_then(|root| BASE64_STANDARD.decode(root).ok());
    let root = root.and_then(|root| root.try_into().ok()).ok_or("its root is not a hash")?;
    Ok((size, root))
}

pub(crate) fn root(tree: &Tree) -> Hash {
    (*tree.root().as_bytes()).into()
}

fn tree(conn: &Connection, path: &Path) -> Result<Tree, JournalError> {
    let mut tree = Tree::new();
    each(conn, path, 0, |stored| {
        // What is signed has to be what was written.
        if !stored.is_whole_at(tree.len() + 1) {
            let reason = format!("record {} is not what was written", tree.len() + 1);
            return Err(JournalError::Damaged { path: path.to_owned(), reason });
        }
        tree.push(stored.leaf);
        Ok(())
    })?;
    Ok(tree)
}

fn sum(size: u64, at: Timestamp, root: &Hash, key: &[u8; 32], note: &str) -> Hash {
    record::sum(&[&size.to_be_bytes(), at.to_string().as_bytes(), root, key, note.as_bytes()])
}

/// Every checkpoint kept, oldest first; one that does not fit its sum is damage.
pub(crate) fn all(conn: &Connection, path: &Path) -> Result<Vec<Checkpoint>, JournalError> {
    stored(conn, path)?
        .into_iter()
        .map(|(checkpoint, whole)| {
            if whole {
                return Ok(checkpoint);
            }
            let reason = format!("the checkpoint of size {} is not what was written", checkpoint.size);
            Err(JournalError::Damaged { path: path.to_owned(), reason })
        })
        .collect()
}

/// Every checkpoint as it is stored, and whether it fits its sum.
pub(crate) fn stored(conn: &Connection, path: &Path) -> Result<Vec<(Checkpoint, bool)>, JournalError> {
    let read = || {
        conn.prepare_cached("SELECT size, at, root, key, note, sum FROM anchor ORDER BY size, at")?
            .query_map([], |row| {
                let at: String = row.get(1)?;
                let at = at.parse().map_err(|error: jiff::Error| {
                    rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.into())
                })?;
                let checkpoint = Checkpoint {
                    size: row.get(0)?,
                    at,
                    root: row.get(2)?,
                    key: row.get(3)?,
                    note: row.get(4)?,
                };
                let whole = row.get::<_, Hash>(5)?
                    == sum(checkpoint.size, at, &checkpoint.root, &checkpoint.key, &checkpoint.note);
                Ok((checkpoint, whole))
            })?
            .collect::<rusqlite::Result<Vec<_>>>()
    };
    read().map_err(|error| JournalError::sqlite(path, &error))
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
        assert!(matches!(sign("PeterNeumann", TEXT, &key, &Confused), Err(JournalError::NotSigned { .. })));
    }

    #[test]
    fn b1_a_checkpoint_says_origin_size_and_root_and_nothing_malformed_passes() {
        let device = "c0ffee00-0000-4000-8000-000000000000";
        let key = peter().public_key().unwrap();
        let open = |text: &str| opened(&sign(&origin(device), text, &key, &peter()).unwrap(), device, &key);
        let root = [7; 32];
        let fine = text(&origin(device), 42, &root);
        assert_eq!(fine, format!("firstlight.dev/journal/{device}\n42\n{}\n", BASE64_STANDARD.encode(root)));
        assert_eq!(open(&fine), Ok((42, root)));
        assert_eq!(open(&format!("{fine}an extension\n")), Ok((42, root)));
        let other = fine.replace("c0ffee00", "c0ffee01");
        for bad in [fine.replace("42", "042"), fine.replace("42", "+42"), fine.replace("42", "-1"), other] {
            assert!(open(&bad).is_err(), "{bad}");
        }
        assert!(open(&text(&origin(device), 42, &root).replace("BwcH", "Bw")).is_err());
    }
}
