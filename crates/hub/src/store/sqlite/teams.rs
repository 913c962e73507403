//! Which team somebody is of.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::id::TeamId;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{
    super::{PersonKey, StoreError, columns::team, teams::Teams},
    SqliteStore,
    admission::salt,
    audit,
};
use crate::{
    audit::{Act, By, Named},
    secrets::{Hash, pseudonym},
};

#[async_trait]
impl Teams for SqliteStore {
    async fn join_by_code(&self, by: &By, code: Hash, team: &TeamId) -> Result<bool, StoreError> {
        let (by, team) = (by.clone(), team.to_string());
        Self::on(&self.writer, move |conn| {
            let person = "SELECT key, team FROM person WHERE key = (SELECT person FROM code WHERE hash = ?1)";
            join(conn, &by, person, code, Some(&team))
        })
        .await
    }

    async fn join(&self, by: &By, person: &str, team: Option<&TeamId>) -> Result<bool, StoreError> {
        let (by, person, team) = (by.clone(), person.to_owned(), team.map(ToString::to_string));
        Self::on(&self.writer, move |conn| {
            let name = pseudonym(&salt(conn)?, &person);
            join(conn, &by, "SELECT key, team FROM person WHERE pseudonym = ?1", name, team.as_deref())
        })
        .await
    }
}

/// Of the person that `select` finds. What changes nothing is no act.
fn join(
    conn: &mut Connection,
    by: &By,
    select: &str,
    whom: Hash,
    team: Option<&str>,
) -> Result<bool, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: Option<(u32, Option<String>)> =
        transaction.query_row(select, [whom], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((person, before)) = found else { return Ok(false) };
    if before.as_deref() != team {
        transaction.execute("UPDATE person SET team = ?2 WHERE key = ?1", params![person, team])?;
        let person = Named::Person { key: PersonKey(person) };
        audit::write(&transaction, by, &Act::TeamSaid { person })?;
        transaction.commit()?;
    }
    Ok(true)
}

pub(super) fn all(conn: &Connection) -> Result<BTreeMap<u32, TeamId>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT key, team FROM person WHERE team IS NOT NULL")?;
    let mut rows = statement.query([])?;
    let mut teams = BTreeMap::new();
    while let Some(row) = rows.next()? {
        teams.insert(row.get(0)?, team(&row.get::<_, String>(1)?)?);
    }
    Ok(teams)
}
