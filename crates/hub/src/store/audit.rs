//! The hub's own log: appended to in the transaction of each act, never changed.

use async_trait::async_trait;

use super::StoreError;
use crate::audit::{Act, By};

/// The part of a database that is the audit log.
#[async_trait]
pub trait Audit {
    /// Writes down an act that has no other effect on the database. Every other is written by the method that has the
    /// effect, in its transaction.
    async fn note(&self, by: &By, act: &Act) -> Result<(), StoreError>;
}
