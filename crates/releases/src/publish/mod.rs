//! Publishing: the admins' half.
//!
//! What people sign is a [`Draft`]: a folder with metadata as it will be and the signatures it has so far, to be handed
//! from one person to the next. [`publish()`] writes a signed draft into the [`Repository`], a folder that any static
//! server can serve; snapshot and timestamp are signed then and by [`refresh()`], with the key that is online.
//!
//! - Drafts are begun by [`begin`], [`add_pack`], [`replace_key`], [`renew`] and [`draft_release`].
//! - [`change_rollout`] says who gets a release, at once: its role has a threshold of one.
//! - [`inspect()`] says who signed what, until when it holds, and whether every file is there.
//! - [`Signal`] turns the counts of a hub into a halt.
//!
//! It refuses to know where keys come from: whatever signs is a [`Signer`]. What time it is comes in.
//!
//! One more kind of draft: a function in `ceremony` or `release` that fills a [`Change`]; signing, checking and writing
//! are the same for all.

mod ceremony;
mod change;
mod disk;
mod draft;
mod error;
mod holders;
mod inspect;
mod key;
mod metadata;
mod policy;
mod release;
mod repository;
mod rollout;
mod signal;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod write;

pub use self::{
    ceremony::{Team, add_pack, begin, renew, replace_key},
    change::{Change, Need},
    disk::{Disk, RealDisk},
    draft::Draft,
    error::{PublishError, Result},
    holders::Holder,
    inspect::{Inspection, ReleaseReport, RoleReport, inspect},
    key::{MIN_PASSPHRASE, PublicKey, SecretKey, Signer, SignerError},
    metadata::is_past_half,
    release::{NewRelease, draft_release},
    repository::Repository,
    rollout::{Step, change_rollout},
    signal::{ALPHA, Counts, Judgement, MIN_STARTED, Signal},
    write::{Published, fresh_until, is_due, publish, refresh},
};
