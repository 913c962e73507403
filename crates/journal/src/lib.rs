//! The append-only, tamper-evident record of everything that happened on this machine, and the outbox derived from it.
//!
//! One SQLite file. Every [`Event`](firstlight_domain::event::Event) is appended in one transaction with the outbox row
//! it causes, and is durable when [`Journal::append`] returns. Records are committed to by salted leaves of an RFC 6962
//! Merkle tree; signed checkpoints (C2SP `tlog-checkpoint`) anchor them, so that a flipped, deleted, reordered, inserted
//! or truncated anchored record is found ([`Journal::verify`]).
//!
//! It refuses to know what events mean for a journey (`firstlight-domain` derives that), where the signing key is kept
//! ([`Signer`] comes from outside), how the outbox is delivered, what time it is, and whether another program has the
//! same folder open (the application holds the instance lock before it calls [`Journal::open`]).
//!
//! One more property that may leave the machine: a variant and a row in `firstlight_domain::registry`, and its
//! place in `outbox/derive.rs`. One more format of the file: a step in `schema.rs`.

mod anchor;
mod error;
mod files;
mod journal;
mod open;
mod outbox;
mod record;
mod schema;
mod verify;

pub use error::JournalError;
pub use files::make_folder;
pub use firstlight_domain::registry::{Classification, PROPERTIES, Property, Registered};
pub use firstlight_tlog::{Check, Checkpoint, Flaw, SeedSigner, SignError, Signer};
pub use journal::Journal;
pub use open::{Opened, Restored};
pub use outbox::{OutboxRow, Settled};
