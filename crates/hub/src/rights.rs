//! Who may what. [`Role::includes`] is the one place that says it; each route names the role it needs
//! ([`Who::Role`](crate::http::Who::Role)), and whoever holds none gets nothing.
//!
//! One more role: a variant, its word and what it includes here; its column in the table of `tests/hub/g2.rs`.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::store::PersonKey;

/// What somebody is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads figures and what surveys came to.
    Viewer,
    /// Writes packs, and reads how they do.
    Author,
    /// Publishes releases, and reads by what they are halted.
    Publisher,
    /// Reads the hub's audit log and its checkpoints.
    SecurityReviewer,
    /// Answers the requests of one owner of steps.
    StepOwner,
    /// Everything.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Viewer, Self::Author, Self::Publisher, Self::SecurityReviewer, Self::StepOwner, Self::Admin];

    /// Whether whoever has this role may do what `other` is for.
    pub fn includes(self, other: Self) -> bool {
        match self {
            Self::Admin => true,
            Self::Publisher => matches!(other, Self::Publisher | Self::Author | Self::Viewer),
            Self::Author => matches!(other, Self::Author | Self::Viewer),
            Self::SecurityReviewer => matches!(other, Self::SecurityReviewer | Self::Viewer),
            Self::Viewer | Self::StepOwner => other == self,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Author => "author",
            Self::Publisher => "publisher",
            Self::SecurityReviewer => "security-reviewer",
            Self::StepOwner => "step-owner",
            Self::Admin => "admin",
        }
    }
}

/// A role as it is given to somebody: a step owner's names the owner it answers for, as packs do. Written `viewer` and
/// `step-owner:it-helpdesk`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grant {
    role: Role,
    owner: Option<String>,
}

/// What is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoGrant {
    /// There is none of that name.
    #[error(
        "there is no role `{0}`; there are viewer, author, publisher, security-reviewer, step-owner:OWNER and admin"
    )]
    Unknown(String),
    /// A step owner of nothing.
    #[error("a step owner answers for somebody: write step-owner:OWNER, with what a pack has in `owner`")]
    NoOwner,
    /// An owner where none belongs.
    #[error("only a step owner answers for somebody: `{0}` stands alone")]
    Owner(&'static str),
}

impl Grant {
    /// The role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whom a step owner answers for; none for every other role.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }
}

impl FromStr for Grant {
    type Err = NoGrant;

    fn from_str(text: &str) -> Result<Self, NoGrant> {
        let (name, owner) = match text.split_once(':') {
            Some((name, owner)) => (name, Some(owner.trim())),
            None => (text, None),
        };
        let role = Role::ALL.into_iter().find(|role| role.name() == name);
        match (role.ok_or_else(|| NoGrant::Unknown(name.to_owned()))?, owner) {
            (Role::StepOwner, None | Some("")) => Err(NoGrant::NoOwner),
            (role @ Role::StepOwner, Some(owner)) => Ok(Self { role, owner: Some(owner.to_owned()) }),
            (role, None) => Ok(Self { role, owner: None }),
            (role, Some(_)) => Err(NoGrant::Owner(role.name())),
        }
    }
}

impl TryFrom<String> for Grant {
    type Error = NoGrant;

    fn try_from(text: String) -> Result<Self, NoGrant> {
        text.parse()
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> Self {
        grant.to_string()
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.role.name())?;
        self.owner.iter().try_for_each(|owner| write!(out, ":{owner}"))
    }
}

/// Everything somebody was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleSet(BTreeSet<Grant>);

impl RoleSet {
    /// Whether one of them is `role` or includes it.
    pub fn include(&self, role: Role) -> bool {
        self.0.iter().any(|grant| grant.role.includes(role))
    }

    /// Whether they answer the requests of `owner`: its step owner does, and so does an admin.
    pub fn answer_for(&self, owner: &str) -> bool {
        self.include(Role::Admin) || self.0.iter().any(|grant| grant.owner() == Some(owner))
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter()
    }
}

impl FromIterator<Grant> for RoleSet {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        Self(grants.into_iter().collect())
    }
}

/// Somebody who asks, and is known: handlers of routes for roles find it in the extensions of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Who.
    pub person: PersonKey,
    /// What they were given.
    pub roles: RoleSet,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(texts: &[&str]) -> RoleSet {
        texts.iter().map(|text| text.parse::<Grant>().unwrap()).collect()
    }

    #[test]
    fn g8_each_role_includes_what_it_says_and_nothing_else() {
        use Role::{Admin, Author, Publisher, SecurityReviewer, StepOwner, Viewer};
        let table: [(Role, &[Role]); 6] = [
            (Viewer, &[Viewer]),
            (Author, &[Viewer, Author]),
            (Publisher, &[Viewer, Author, Publisher]),
            (SecurityReviewer, &[Viewer, SecurityReviewer]),
            (StepOwner, &[StepOwner]),
            (Admin, &[Viewer, Author, Publisher, SecurityReviewer, StepOwner, Admin]),
        ];
        assert_eq!(table.map(|(role, _)| role), Role::ALL);
        for (role, includes) in table {
            let found: Vec<_> = Role::ALL.into_iter().filter(|other| role.includes(*other)).collect();
            assert_eq!(found, includes, "{role:?}");
        }
    }

    #[test]
    fn g8_nobody_answers_for_another_owner() {
        let helpdesk = roles(&["step-owner:it-helpdesk", "viewer"]);
        assert!(helpdesk.answer_for("it-helpdesk") && !helpdesk.answer_for("data-platform"));
        assert!(roles(&["admin"]).answer_for("data-platform"));
        assert!(!roles(&["security-reviewer", "publisher"]).answer_for("it-helpdesk"));
        assert!(!RoleSet::default().include(Role::Viewer));
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for text in ["viewer", "author", "publisher", "security-reviewer", "step-owner:it-helpdesk", "admin"]
        {
            assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
        }
        for (wrong, why) in [
            ("root", NoGrant::Unknown("root".to_owned())),
            ("Admin", NoGrant::Unknown("Admin".to_owned())),
            ("step-owner", NoGrant::NoOwner),
            ("step-owner: ", NoGrant::NoOwner),
            ("admin:it-helpdesk", NoGrant::Owner("admin")),
        ] {
            assert_eq!(wrong.parse::<Grant>(), Err(why), "{wrong}");
        }
    }
}
