//! Which team somebody is of.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use firstlight_domain::id::TeamId;
use tokio_postgres::GenericClient;

use super::{
    super::{StoreError, columns::team, teams::Teams},
    PostgresStore, admission, audit,
};
use crate::{
    audit::{Act, By, Named},
    secrets::{Hash, pseudonym},
};

#[async_trait]
impl Teams for PostgresStore {
    async fn join_by_code(&self, by: &By, code: Hash, team: &TeamId) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let person =
            "SELECT key, team FROM person WHERE key = (SELECT person FROM code WHERE hash = $1) FOR UPDATE";
        join(client.transaction().await?, by, person, code, Some(team)).await
    }

    async fn join(&self, by: &By, person: &str, team: Option<&TeamId>) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let name = pseudonym(&admission::salt(&transaction).await?, person);
        let person = "SELECT key, team FROM person WHERE pseudonym = $1 FOR UPDATE";
        join(transaction, by, person, name, team).await
    }
}

/// Of the person that `select` finds. What changes nothing is no act.
async fn join(
    transaction: Transaction<'_>,
    by: &By,
    select: &str,
    whom: Hash,
    team: Option<&TeamId>,
) -> Result<bool, StoreError> {
    let Some(row) = transaction.query_opt(select, &[&whom.as_slice()]).await? else { return Ok(false) };
    let (person, before): (i32, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let team = team.map(TeamId::as_str);
    if before.as_deref() != team {
        transaction.execute("UPDATE person SET team = $2 WHERE key = $1", &[&person, &team]).await?;
        let person = Named::Person { key: admission::person(person)? };
        audit::write(&transaction, by, &Act::TeamSaid { person }).await?;
        transaction.commit().await?;
    }
    Ok(true)
}

pub(super) async fn all(client: &impl GenericClient) -> Result<BTreeMap<u32, TeamId>, StoreError> {
    let mut teams = BTreeMap::new();
    for row in client.query("SELECT key, team FROM person WHERE team IS NOT NULL", &[]).await? {
        teams.insert(admission::person(row.try_get(0)?)?.0, team(row.try_get(1)?)?);
    }
    Ok(teams)
}
