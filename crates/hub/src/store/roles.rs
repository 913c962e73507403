//! Who may what: the roles people were given, and the tokens they show.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{PersonKey, StoreError};
use crate::{
    audit::By,
    rights::{Asker, Grant, RoleSet},
    secrets::Hash,
};

/// A role somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Who.
    pub person: PersonKey,
    /// Which.
    pub grant: Grant,
    /// Since when.
    pub since: Timestamp,
}

/// A token with which somebody asks over HTTP. The hub keeps its hash only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub person: PersonKey,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it stops to count.
    pub expires_at: Timestamp,
    /// When it was shut out, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// The part of a database that has to do with roles. What changes something writes the act into the audit log, in the
/// same transaction.
#[async_trait]
pub trait Roles {
    /// Gives a role to somebody who is named; false if they have it.
    async fn grant(&self, by: &By, person: &str, grant: &Grant) -> Result<bool, StoreError>;

    /// Takes it from them; false if they do not have it.
    async fn revoke_role(&self, by: &By, person: &str, grant: &Grant) -> Result<bool, StoreError>;

    /// Every role that somebody has, by person.
    async fn roles(&self) -> Result<Vec<Granted>, StoreError>;

    /// Who that is, by the name or by another one; none if the hub has never heard of them.
    async fn person(&self, name: &str) -> Result<Option<PersonKey>, StoreError>;

    /// The roles of one person.
    async fn roles_of(&self, person: PersonKey) -> Result<RoleSet, StoreError>;

    /// Keeps a token of somebody who is named; the number it got.
    async fn add_access(
        &self,
        by: &By,
        person: &str,
        token: Hash,
        expires_at: Timestamp,
    ) -> Result<i64, StoreError>;

    /// Shuts a token out from now on; false if there is none of that number.
    async fn revoke_access(&self, by: &By, id: i64) -> Result<bool, StoreError>;

    /// Every token, in the order they were made.
    async fn accesses(&self) -> Result<Vec<Access>, StoreError>;

    /// Whose token this is, and what they may; none if it does not count at `now`.
    async fn asker(&self, token: Hash, now: Timestamp) -> Result<Option<Asker>, StoreError>;
}

/// A role as a database keeps it.
pub(super) fn grant_from(text: &str) -> Result<Grant, StoreError> {
    text.parse().map_err(|error: crate::rights::NoGrant| StoreError::Damaged(error.to_string()))
}
