//! Verification: is every record what was written, and is the whole what was signed?

use crate::{
    Journal, JournalError,
    anchor::{self, Tree},
    journal::{Standing, each},
    record::Hash,
};

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

/// What is wrong with a journal.
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
    /// A checkpoint is not signed with the key expected, or not of this journal.
    #[error("the checkpoint of size {size} cannot be trusted: {reason}")]
    BadCheckpoint {
        /// What it says it covers.
        size: u64,
        /// Why not.
        reason: String,
    },
}

/// A checkpoint that holds by its signature.
struct Claim {
    size: u64,
    root: Hash,
}

impl Journal {
    /// Checks every record against its commitment and its place, every checkpoint's signature, and the tree against
    /// every checkpoint.
    ///
    /// `key`: the public key as the keychain knows it; the newest checkpoint has to be signed with it (older ones may be
    /// of a lost key, and are checked with the key kept beside them). Without it, whoever can write the file can sign
    /// anew. `kept`: the last checkpoint's note as it was kept outside of the file; without it, deleting the newest
    /// records together with their checkpoints leaves no trace.
    pub fn verify(&self, key: Option<&[u8; 32]>, kept: Option<&str>) -> Result<Check, JournalError> {
        let mut flaw = None;
        let (claims, bad_checkpoint) = self.claims(key, kept)?;
        let mut claims = claims.into_iter().peekable();
        let mut tree = Tree::new();
        let mut check = Check { records: 0, anchored: 0, erased: 0, flaw: None };
        let mut next = 1;
        // An empty tree may have been signed, too.
        let mut compare = |tree: &Tree, check: &mut Check, flaw: &mut Option<Flaw>| {
            while let Some(claim) = claims.next_if(|claim| claim.size <= tree.len()) {
                if flaw.is_some() {
                    continue;
                }
                if anchor::root(tree) == claim.root {
                    check.anchored = claim.size;
                } else {
                    *flaw = Some(Flaw::Rewritten { after: check.anchored, size: claim.size });
                }
            }
            claims.peek().map(|claim| claim.size)
        };
        let mut beyond = compare(&tree, &mut check, &mut flaw);
        each(&self.conn, &self.path, 0, |stored| {
            let seq = stored.seq;
            if seq != next {
                flaw.get_or_insert(Flaw::Missing { seq: next });
            }
            next = seq + 1;
            check.records += 1;
            match stored.standing() {
                Standing::Holds => {}
                Standing::Erased => check.erased += 1,
                Standing::Misplaced(belongs) => {
                    flaw.get_or_insert(Flaw::Misplaced { seq, belongs });
                }
                Standing::Changed => {
                    flaw.get_or_insert(Flaw::Changed { seq });
                }
            }
            tree.push(stored.leaf);
            beyond = compare(&tree, &mut check, &mut flaw);
            Ok(())
        })?;
        if let Some(size) = beyond {
            flaw.get_or_insert(Flaw::Truncated { records: check.records, size });
        }
        // A flaw in the records says more than one in what was signed about them.
        Ok(Check { flaw: flaw.or(bad_checkpoint), ..check })
    }

    /// What signed checkpoints state, smallest first, and the first that cannot be trusted.
    fn claims(
        &self,
        key: Option<&[u8; 32]>,
        kept: Option<&str>,
    ) -> Result<(Vec<Claim>, Option<Flaw>), JournalError> {
        let mut flaw = None;
        let anchors = match anchor::stored(&self.conn, &self.path) {
            Err(JournalError::Damaged { reason, .. }) => {
                flaw = Some(Flaw::BadCheckpoint { size: 0, reason });
                Vec::new()
            }
            anchors => anchors?,
        };
        let newest = anchors.len().saturating_sub(1);
        let mut claims = Vec::new();
        for (index, (anchor, _)) in anchors.iter().enumerate() {
            let trusted = key.filter(|_| index == newest).unwrap_or(&anchor.key);
            match anchor::opened(&anchor.note, &self.device, trusted) {
                Ok((size, root)) if size == anchor.size && root == anchor.root => {
                    claims.push(Claim { size, root });
                }
                Ok(_) => {
                    let reason = "it does not say what is noted beside it".to_owned();
                    flaw.get_or_insert(Flaw::BadCheckpoint { size: anchor.size, reason });
                }
                Err(reason) => {
                    flaw.get_or_insert(Flaw::BadCheckpoint { size: anchor.size, reason });
                }
            }
        }
        if let Some(note) = kept {
            let keys = key.into_iter().chain(anchors.iter().map(|(anchor, _)| &anchor.key));
            let opened = keys.map(|key| anchor::opened(note, &self.device, key)).find_map(Result::ok);
            if let Some((size, root)) = opened {
                claims.push(Claim { size, root });
            } else {
                let reason = "it is not signed by this journal".to_owned();
                flaw.get_or_insert(Flaw::BadCheckpoint { size: 0, reason });
            }
        }
        claims.sort_by_key(|claim| claim.size);
        Ok((claims, flaw))
    }
}
