//! Verification: is every record what was written, and is the whole what was signed?

use std::{iter::Peekable, vec::IntoIter};

use crate::{Checkpoint, Hash, NoteError, Standing, Stored, Tree, opened, root};

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// How many records there are.
    pub records: u64,
    /// How many of them the last good checkpoint covers. The others could be changed without a trace by somebody who
    /// can write the file and recompute their commitments.
    pub anchored: u64,
    /// How many records keep only their commitment.
    pub erased: u64,
    /// What is wrong; none if nothing is.
    pub flaw: Option<Flaw>,
}

impl Check {
    /// Whether nothing is wrong.
    pub fn ok(&self) -> bool {
        self.flaw.is_none()
    }

    /// The first record that is not what was written, where that can be known.
    pub fn first_bad(&self) -> Option<u64> {
        self.flaw.as_ref().and_then(|flaw| match flaw {
            Flaw::Missing { seq } | Flaw::Changed { seq } | Flaw::Misplaced { seq, .. } => Some(*seq),
            Flaw::Truncated { records, .. } => Some(records + 1),
            // Only one record lies between: it is the one.
            Flaw::Rewritten { after, size } => (after + 1 == *size).then_some(*size),
            Flaw::BadCheckpoint { .. } => None,
        })
    }
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A record is not there, though a later one is.
    #[error("record {seq} is missing")]
    Missing {
        /// Which.
        seq: u64,
    },
    /// A record's text is not the one committed to.
    #[error("record {seq} is not what was written")]
    Changed {
        /// Which.
        seq: u64,
    },
    /// A record is intact but belongs elsewhere: records were reordered, inserted, or deleted and renumbered.
    #[error("record {seq} belongs to place {belongs}")]
    Misplaced {
        /// Where it is.
        seq: u64,
        /// Where it says it belongs.
        belongs: u64,
    },
    /// Records at the end are gone that a checkpoint covers.
    #[error("only {records} records are there, {size} were signed")]
    Truncated {
        /// How many are there.
        records: u64,
        /// How many the checkpoint covers.
        size: u64,
    },
    /// The records up to a checkpoint are not the ones that were signed, though each fits its commitment: text and
    /// commitment were both rewritten.
    #[error("a record after {after} and up to {size} was rewritten: the tree's root is not the signed one")]
    Rewritten {
        /// The last record that a good checkpoint covers.
        after: u64,
        /// The size of the checkpoint that disagrees.
        size: u64,
    },
    /// A checkpoint is not signed with the key expected, or not of this log.
    #[error("the checkpoint of size {size} cannot be trusted: {reason}")]
    BadCheckpoint {
        /// What it says it covers.
        size: u64,
        /// Why not.
        reason: String,
    },
}

/// A checkpoint that holds by its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    size: u64,
    root: Hash,
}

/// What the checkpoints of the log `origin` state, smallest first, and the first that cannot be trusted.
///
/// `key`: the public key as it is known from elsewhere; the newest checkpoint has to be signed with it (older ones may be
/// of a lost key, and are checked with the key kept beside them). Without it, whoever can write the log can sign anew.
/// `kept`: a checkpoint's note as it was kept elsewhere; without it, deleting the newest records together with their
/// checkpoints leaves no trace.
pub fn claims(
    origin: &str,
    checkpoints: &[Checkpoint],
    key: Option<&[u8; 32]>,
    kept: Option<&str>,
) -> (Vec<Claim>, Option<Flaw>) {
    let mut flaw = None;
    let newest = checkpoints.len().saturating_sub(1);
    let mut claims = Vec::new();
    for (index, checkpoint) in checkpoints.iter().enumerate() {
        let trusted = key.filter(|_| index == newest).unwrap_or(&checkpoint.key);
        let reason = match opened(&checkpoint.note, origin, trusted) {
            Ok((size, root)) if size == checkpoint.size && root == checkpoint.root => {
                claims.push(Claim { size, root });
                continue;
            }
            Ok(_) => "it does not say what is noted beside it".to_owned(),
            Err(error) => error.to_string(),
        };
        flaw.get_or_insert(Flaw::BadCheckpoint { size: checkpoint.size, reason });
    }
    if let Some(note) = kept {
        let keys = key.into_iter().chain(checkpoints.iter().map(|checkpoint| &checkpoint.key));
        let opened: Result<_, NoteError> =
            keys.map(|key| opened(note, origin, key)).find(Result::is_ok).unwrap_or(Err(NoteError::OtherLog));
        match opened {
            Ok((size, root)) => claims.push(Claim { size, root }),
            Err(_) => {
                let reason = "it is not signed by this log".to_owned();
                flaw.get_or_insert(Flaw::BadCheckpoint { size: 0, reason });
            }
        }
    }
    claims.sort_by_key(|claim| claim.size);
    (claims, flaw)
}

/// Goes through a log once, record by record: a long one is never in memory as a whole.
pub struct Walk {
    claims: Peekable<IntoIter<Claim>>,
    tree: Tree,
    check: Check,
    next: u64,
}

impl Walk {
    /// Begins, with what was signed ([`claims`]).
    pub fn new(claims: Vec<Claim>) -> Self {
        let check = Check { records: 0, anchored: 0, erased: 0, flaw: None };
        let mut walk = Self { claims: claims.into_iter().peekable(), tree: Tree::new(), check, next: 1 };
        // An empty tree may have been signed, too.
        walk.compare();
        walk
    }

    /// Checks one record against its commitment and its place, and the tree against every checkpoint that ends here.
    pub fn take(&mut self, stored: Stored) {
        let (seq, flaw) = (stored.seq, &mut self.check.flaw);
        if seq != self.next {
            flaw.get_or_insert(Flaw::Missing { seq: self.next });
        }
        self.next = seq.saturating_add(1);
        self.check.records += 1;
        match stored.standing() {
            Standing::Holds => {}
            Standing::Erased => self.check.erased += 1,
            Standing::Misplaced(belongs) => {
                flaw.get_or_insert(Flaw::Misplaced { seq, belongs });
            }
            Standing::Changed => {
                flaw.get_or_insert(Flaw::Changed { seq });
            }
        }
        self.tree.push(stored.leaf);
        self.compare();
    }

    /// What was found. A flaw in the records says more than `bad_checkpoint`, one in what was signed about them.
    pub fn end(mut self, bad_checkpoint: Option<Flaw>) -> Check {
        if let Some(claim) = self.claims.peek() {
            let (records, size) = (self.check.records, claim.size);
            self.check.flaw.get_or_insert(Flaw::Truncated { records, size });
        }
        self.check.flaw = self.check.flaw.or(bad_checkpoint);
        self.check
    }

    fn compare(&mut self) {
        while let Some(claim) = self.claims.next_if(|claim| claim.size <= self.tree.len()) {
            if self.check.flaw.is_some() {
                continue;
            }
            if root(&self.tree) == claim.root {
                self.check.anchored = claim.size;
            } else {
                self.check.flaw = Some(Flaw::Rewritten { after: self.check.anchored, size: claim.size });
            }
        }
    }
}
