//! Verification: is every record what was written, and is the whole what was signed?

use firstlight_tlog::{Check, Flaw, Walk, claims};

use crate::{
    Journal, JournalError,
    anchor::{self, origin},
    journal::each,
};

impl Journal {
    /// Checks every record against its commitment and its place, every checkpoint's signature, and the tree against
    /// every checkpoint.
    ///
    /// `key`: the public key as the keychain knows it; the newest checkpoint has to be signed with it (older ones may be
    /// of a lost key, and are checked with the key kept beside them). Without it, whoever can write the file can sign
    /// anew. `kept`: the last checkpoint's note as it was kept outside of the file; without it, deleting the newest
    /// records together with their checkpoints leaves no trace.
    pub fn verify(&self, key: Option<&[u8; 32]>, kept: Option<&str>) -> Result<Check, JournalError> {
        let (anchors, damaged) = match anchor::stored(&self.conn, &self.path) {
            Err(JournalError::Damaged { reason, .. }) => {
                (Vec::new(), Some(Flaw::BadCheckpoint { size: 0, reason }))
            }
            anchors => (anchors?, None),
        };
        let anchors: Vec<_> = anchors.into_iter().map(|(anchor, _)| anchor).collect();
        let (claims, bad_checkpoint) = claims(&origin(&self.device), &anchors, key, kept);
        let mut walk = Walk::new(claims);
        each(&self.conn, &self.path, 0, |stored| {
            walk.take(stored);
            Ok(())
        })?;
        Ok(walk.end(damaged.or(bad_checkpoint)))
    }
}
