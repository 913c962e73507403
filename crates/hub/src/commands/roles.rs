//! Who may what.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use firstlight_hub::{
    config::Database,
    secrets,
    store::{PersonKey, Store},
};
use jiff::{SignedDuration, Timestamp};

use super::{by, open, open_existing, print};
use crate::args::Role;

pub(super) async fn run(database: &Database, asked: Role) -> Result<()> {
    match asked {
        // The first admin may come before the first start.
        Role::Grant { person, role } => {
            if !open(database).await?.grant(&by()?, &person, &role).await? {
                bail!("{person} has the role {role} already");
            }
            print(&format!("{person} has the role {role}\n"))
        }
        Role::Revoke { person, role } => {
            if !open_existing(database).await?.revoke_role(&by()?, &person, &role).await? {
                bail!(
                    "{person} does not have the role {role}; `firstlight-hub role list {person}` shows what they have"
                );
            }
            print(&format!("{person} no longer has the role {role}\n"))
        }
        Role::List { person } => list(open_existing(database).await?.as_ref(), person.as_deref()).await,
        Role::Token { person, expires } => {
            let store = open_existing(database).await?;
            print(&format!("{}\n", token(store.as_ref(), &person, expires).await?.0))
        }
        Role::SignOut { person } => match open_existing(database).await?.sign_out(&by()?, &person).await? {
            None => bail!("the hub has never heard of {person}"),
            Some(0) => print(&format!("{person} was not signed in\n")),
            Some(sessions) => print(&format!("{person} is signed out; there were {sessions} sessions\n")),
        },
        Role::RevokeToken { token } => {
            if !open_existing(database).await?.revoke_access(&by()?, token).await? {
                bail!("there is no access token {token}; `firstlight-hub role list` shows those there are");
            }
            print(&format!("access token {token} is shut out\n"))
        }
    }
}

/// A new access token, and its number.
pub(super) async fn token(store: &dyn Store, person: &str, expires: SignedDuration) -> Result<(String, i64)> {
    let (token, by) = (secrets::new_access_token()?, by()?);
    let id = store.add_access(&by, person, secrets::hash_token(&token), by.at + expires).await?;
    Ok((token, id))
}

async fn list(store: &dyn Store, named: Option<&str>) -> Result<()> {
    let only = match named {
        Some(name) => match store.person(name).await? {
            Some(person) => Some(person),
            None => bail!("the hub has never heard of {name}"),
        },
        None => None,
    };
    let wanted = |person: PersonKey| only.is_none_or(|only| only == person);
    let now = Timestamp::now();
    let mut text = String::new();
    for one in store.roles().await?.into_iter().filter(|one| wanted(one.person)) {
        // Writing to a text never fails.
        let _ = writeln!(text, "person {}  {}  since {:.0}", one.person.0, one.grant, one.since);
    }
    for one in store.accesses().await?.into_iter().filter(|one| wanted(one.person)) {
        let state = match one.revoked_at {
            Some(at) => format!("revoked {at:.0}"),
            None if now < one.expires_at => format!("until {:.0}", one.expires_at),
            None => format!("expired {:.0}", one.expires_at),
        };
        let _ = writeln!(
            text,
            "person {}  access token {}  since {:.0}  {state}",
            one.person.0, one.id, one.made_at
        );
    }
    print(&text)
}
