//! One record: its text, and the salted commitment that stands for it in the tree.

use sha2::{Digest, Sha256};

/// A hash, or a salt of the same length.
pub type Hash = [u8; 32];

/// A record as it is stored, which may not be as it was written: nothing is taken for granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it is, from 1.
    pub seq: u64,
    /// Its text, which begins with `{"seq":` and its place. With its salt; both none once erased.
    pub body: Option<Vec<u8>>,
    /// What makes the commitment tell nothing about the text.
    pub salt: Option<Vec<u8>>,
    /// The commitment.
    pub leaf: Vec<u8>,
}

/// How a record stands to its commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is what was written, where it was written.
    Holds,
    /// Only its commitment is left.
    Erased,
    /// It is what was written, but at another place.
    Misplaced(u64),
    /// It is not what was written.
    Changed,
}

impl Stored {
    /// How it stands to its commitment.
    pub fn standing(&self) -> Standing {
        match (&self.salt, &self.body) {
            (None, None) if self.leaf.len() == size_of::<Hash>() => Standing::Erased,
            (Some(salt), Some(body)) if commitment(salt, body)[..] == self.leaf[..] => match place(body) {
                Some(place) if place == self.seq => Standing::Holds,
                Some(place) => Standing::Misplaced(place),
                None => Standing::Changed,
            },
            (None | Some(_), None | Some(_)) => Standing::Changed,
        }
    }

    /// Whether nothing is wrong with it at place `seq`.
    pub fn is_whole_at(&self, seq: u64) -> bool {
        self.seq == seq && matches!(self.standing(), Standing::Holds | Standing::Erased)
    }
}

/// The place a text says it belongs to. Read from its first bytes: a long log asks every record.
pub fn place(body: &[u8]) -> Option<u64> {
    let rest = body.strip_prefix(br#"{"seq":"#)?;
    let digits = rest.split(|byte| *byte == b',').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// SHA-256(salt || text): stands for the text, and tells nothing about it once the salt is erased.
pub fn commitment(salt: &[u8], body: &[u8]) -> Hash {
    Sha256::new().chain_update(salt).chain_update(body).finalize().into()
}
