//! One record: its text, of which a salted commitment stands in the tree.

use firstlight_domain::event::{Event, Happened};
use firstlight_tlog::Hash;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::JournalError;

/// What a record says. Its JSON text, byte for byte as stored, is what the commitment covers; the place is part of
/// it, so that a record moved elsewhere is told from one that belongs there.
#[derive(Serialize)]
struct Written<'a> {
    seq: u64,
    at: Timestamp,
    event: &'a Event,
}

#[derive(Deserialize)]
struct Read {
    at: Timestamp,
    event: Event,
}

/// The text of a record.
pub(crate) fn write(seq: u64, at: Timestamp, event: &Event) -> Result<String, JournalError> {
    serde_json::to_string(&Written { seq, at, event })
        .map_err(|error| JournalError::Internal { cause: error.to_string() })
}

/// Reads the text of the record at `seq`.
pub(crate) fn read(seq: u64, body: &[u8]) -> Result<Happened, JournalError> {
    let Read { at, event } = serde_json::from_slice(body)
        .map_err(|error| JournalError::NotUnderstood { seq, cause: error.to_string() })?;
    Ok(Happened { at, event })
}

/// A fresh salt.
pub(crate) fn salt() -> Result<Hash, JournalError> {
    random()
}

/// Bytes from the system's random source.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], JournalError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| JournalError::NoRandomness { cause: error.to_string() })?;
    Ok(bytes)
}

/// SHA-256 over parts, each preceded by its length: a row whose parts were changed by a failing disk no longer has
/// the sum stored beside it.
pub(crate) fn sum(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
