//! Logs in which tampering shows: records committed to by salted leaves of an RFC 6962 Merkle tree, and signed checkpoints
//! (C2SP `tlog-checkpoint` in a C2SP signed note) of that tree. A flipped, deleted, reordered, inserted or truncated
//! record that a checkpoint covers is found ([`Walk`]).
//!
//! Pure. It refuses to know what records say, where they and the key are kept, and what time it is: a journal in SQLite
//! (`firstlight-journal`) and the hub's audit log on two databases use it alike.

mod checkpoint;
mod record;
mod walk;

pub use checkpoint::{Checkpoint, NoteError, SeedSigner, SignError, Signer, make, opened, verifier_key};
pub use record::{Hash, Standing, Stored, commitment, place};
pub use walk::{Check, Claim, Flaw, Walk, claims};

/// The tree of RFC 6962 over the records' leaves.
pub type Tree = ct_merkle::mem_backed_tree::MemoryBackedTree<sha2::Sha256, Vec<u8>>;

/// The root of a tree.
pub fn root(tree: &Tree) -> Hash {
    (*tree.root().as_bytes()).into()
}
