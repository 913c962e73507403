//! The hub's own log: what was done by whoever may do something here. Each [`Act`] is written in the transaction of its
//! effect, by the store method that has the effect; such a method takes [`By`], so that nothing can be done by nobody.
//!
//! What names somebody is not in the log: it has a salted commitment there, and the name is kept beside it until the
//! person is erased. The log itself is only ever appended to.
//!
//! One more act: a variant of [`Act`], its words in `words.rs`, and `audit::write` as the last thing in the transaction of
//! both stores.

mod log;
mod record;
mod words;

use std::collections::BTreeMap;

use firstlight_domain::request::Reply;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    rights::{Asker, Grant},
    store::{PersonKey, retention::Forgotten},
};

pub use log::Log;
pub use record::Unreadable;
pub(crate) use record::{Entry, Sealed, entry};

/// Who does something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
}

impl By {
    /// Somebody who asked over HTTP.
    pub fn asker(asker: &Asker, at: Timestamp) -> Self {
        Self { actor: Actor::Person { person: Named::Person { key: asker.person } }, at }
    }

    /// Somebody at the hub's machine, from the account they use there.
    pub fn account(account: impl Into<String>, at: Timestamp) -> Self {
        Self { actor: Actor::Account { account: account.into() }, at }
    }

    /// The hub by itself.
    pub fn hub(at: Timestamp) -> Self {
        Self { actor: Actor::Hub, at }
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum Actor {
    /// Somebody at the hub's machine, by a command.
    Account {
        /// The account they used there.
        account: String,
    },
    /// Somebody with a role, over HTTP.
    Person {
        /// Who.
        person: Named,
    },
    /// The hub by itself.
    Hub,
}

/// What names somebody. The log has a salted commitment in its place; what that stands for is kept beside the log, and
/// can be erased without the log telling anything else, or verifying less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "named", rename_all = "snake_case")]
pub enum Named {
    /// A person.
    Person {
        /// Their number.
        key: PersonKey,
    },
    /// A device of a person.
    Device {
        /// Its id.
        id: Uuid,
        /// Whose it is.
        key: PersonKey,
    },
    /// Somebody who was erased.
    Erased,
}

impl Named {
    /// Whom it names.
    pub fn person(&self) -> Option<PersonKey> {
        match self {
            Self::Person { key } | Self::Device { key, .. } => Some(*key),
            Self::Erased => None,
        }
    }
}

/// Everything that is written down. Closed: what is not here is no act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Act {
    /// An enrolment code was made.
    CodeMade {
        /// For whom.
        person: Named,
        /// Until when it counts.
        expires_at: Timestamp,
    },
    /// A device was shut out.
    DeviceRevoked {
        /// Which.
        device: Named,
    },
    /// A program was let in.
    IntegrationMade {
        /// Its name.
        name: String,
    },
    /// A program was shut out.
    IntegrationRevoked {
        /// Its name.
        name: String,
    },
    /// Somebody was given another name.
    AliasAdded {
        /// Who.
        person: Named,
    },
    /// It was said which team somebody is of, or that they are of none. Which is not: it could not be erased.
    TeamSaid {
        /// Who.
        person: Named,
    },
    /// Somebody was given a role.
    RoleGranted {
        /// Who.
        person: Named,
        /// Which.
        role: Grant,
    },
    /// A role was taken from somebody.
    RoleRevoked {
        /// Who.
        person: Named,
        /// Which.
        role: Grant,
    },
    /// An access token was made.
    TokenMade {
        /// For whom.
        person: Named,
        /// Its number.
        token: i64,
        /// Until when it counts.
        expires_at: Timestamp,
    },
    /// Somebody set out to copy the whole database.
    BackupMade,
    /// A backup took the place of the database.
    BackupRestored,
    /// A hub began to serve with other settings than before.
    SettingsChanged {
        /// Those that rights depend on; of a secret only whether there is one.
        settings: BTreeMap<String, String>,
    },
    /// Everything that is known of somebody was handed over.
    PersonExported {
        /// Of whom.
        person: Named,
    },
    /// People were erased. Whom, nobody knows any more.
    PeopleErased {
        /// How many.
        people: u64,
    },
    /// What is too old was forgotten.
    Forgotten {
        /// How much.
        forgotten: Forgotten,
    },
    /// An access token was shut out.
    TokenRevoked {
        /// Whose.
        person: Named,
        /// Its number.
        token: i64,
    },
    /// Somebody was signed out wherever they were signed in.
    SignedOut {
        /// Who.
        person: Named,
        /// Of how many sessions.
        sessions: u64,
    },
    /// Somebody was answered who asked for something.
    RequestAnswered {
        /// Which request.
        request: Uuid,
        /// Who was asked.
        owner: String,
        /// What was answered; the words stay with the request.
        reply: Reply,
    },
}

/// An act as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the log, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// What.
    pub act: Act,
}
