//! Which team somebody is of, as the company says it: one at a time, by its name, and nothing else of it.

use async_trait::async_trait;
use firstlight_domain::id::TeamId;

use super::StoreError;
use crate::{audit::By, secrets::Hash};

/// The part of a database that knows teams. Who says nothing of a team leaves it as it is.
#[async_trait]
pub trait Teams {
    /// Says the team of the person a code is for; false if there is no such code.
    async fn join_by_code(&self, by: &By, code: Hash, team: &TeamId) -> Result<bool, StoreError>;

    /// Says the team of somebody who was named, or that they have none any more; false if nobody was named so.
    async fn join(&self, by: &By, person: &str, team: Option<&TeamId>) -> Result<bool, StoreError>;
}
