//! Who is signed in. A session is found by the hash of what its owner shows, and holds what their groups give them; what
//! they were granted is looked up each time, so that taking it away counts at once.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{PersonKey, StoreError};
use crate::{
    audit::By,
    rights::{Asker, Grant, RoleSet},
    secrets::Hash,
    signin::Key,
};

/// How long a session that is over is kept: longer than a sign-in may take, so that none makes a second one.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The hash of what its owner will show.
    pub token: Hash,
    /// When.
    pub at: Timestamp,
    /// When it is over at the latest.
    pub expires_at: Timestamp,
}

/// Whose session begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Somebody's whom the identity provider names.
    Named {
        /// As `code new --for` names them.
        name: String,
        /// What their groups give them.
        roles: RoleSet,
        /// Which sign-in it was: it makes one session only.
        signin: Option<Hash>,
    },
    /// Of whoever has this access token, for as long as that counts.
    Bearer(Hash),
}

/// A session that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is, and what they may now.
    pub asker: Asker,
    /// When it is over.
    pub expires_at: Timestamp,
}

/// The part of a database that knows who is signed in.
#[async_trait]
pub trait Sessions {
    /// Begins a session; false if the sign-in has made one before, or the access token does not count.
    async fn begin_session(&self, whose: Whose, new: NewSession) -> Result<bool, StoreError>;

    /// The session of whoever shows this, if it counts at `now`.
    async fn session(&self, token: Hash, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// Ends it, if there is one.
    async fn end_session(&self, token: Hash, now: Timestamp) -> Result<(), StoreError>;

    /// Ends every session of somebody; how many, or nothing if the hub has never heard of them. An act, if there was one.
    async fn sign_out(&self, by: &By, person: &str) -> Result<Option<u64>, StoreError>;

    /// The key of all hubs of this database.
    async fn signin_key(&self) -> Result<Key, StoreError>;
}

impl Session {
    /// What a database knows of one, with what its owner was granted.
    pub(crate) fn of(person: PersonKey, granted: &RoleSet, kept: &str, expires_at: Timestamp) -> Self {
        // A role that only newer hubs know gives nothing here.
        let of_groups = kept.lines().filter_map(|word| word.parse().ok());
        let roles = granted.iter().cloned().chain(of_groups).collect();
        Self { asker: Asker { person, roles }, expires_at }
    }
}

/// What groups give somebody, as a session keeps it.
pub(crate) fn kept(roles: &RoleSet) -> String {
    let words: Vec<String> = roles.iter().map(Grant::to_string).collect();
    words.join("\n")
}
