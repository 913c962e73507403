//! Which team somebody is of.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::id::TeamId;
use rusqlite::{Connection, params};

use super::{
    super::{StoreError, columns::team, teams::Teams},
    SqliteStore,
    admission::salt,
};
use crate::secrets::{Hash, pseudonym};

#[async_trait]
impl Teams for SqliteStore {
    async fn join_by_code(&self, code: Hash, team: &TeamId) -> Result<bool, StoreError> {
        let team = team.to_string();
        Self::on(&self.writer, move |conn| {
            let sql = "UPDATE person SET team = ?2 WHERE key = (SELECT person FROM code WHERE hash = ?1)";
            Ok(conn.execute(sql, params![code, team])? > 0)
        })
        .await
    }

    async fn join(&self, person: &str, team: Option<&TeamId>) -> Result<bool, StoreError> {
        let (person, team) = (person.to_owned(), team.map(ToString::to_string));
        Self::on(&self.writer, move |conn| {
            let person = pseudonym(&salt(conn)?, &person);
            let sql = "UPDATE person SET team = ?2 WHERE pseudonym = ?1";
            Ok(conn.execute(sql, params![person, team])? > 0)
        })
        .await
    }
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
