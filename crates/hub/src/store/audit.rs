//! The hub's own log: appended to in the transaction of each act, never changed. Whoever acts at the same time is put into
//! one order by the row that numbers records; it is the last thing an act locks, so that acts do not wait in a circle.

use async_trait::async_trait;
use firstlight_tlog::Checkpoint;
use jiff::Timestamp;

use super::StoreError;
use crate::audit::{Act, By, Log};

/// The part of a database that is the audit log.
#[async_trait]
pub trait Audit {
    /// Writes down an act that has no other effect on the database. Every other is written by the method that has the
    /// effect, in its transaction.
    async fn note(&self, by: &By, act: &Act) -> Result<(), StoreError>;

    /// The whole log.
    async fn audit_log(&self) -> Result<Log, StoreError>;

    /// Signs the log as it is now and keeps the checkpoint. Asked again while nothing was done it gives the same one.
    async fn checkpoint(&self, now: Timestamp) -> Result<Checkpoint, StoreError>;
}
