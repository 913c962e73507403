//! Which team somebody is of.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::id::TeamId;
use tokio_postgres::GenericClient;

use super::{
    super::{StoreError, columns::team, teams::Teams},
    PostgresStore, admission,
};
use crate::secrets::{Hash, pseudonym};

#[async_trait]
impl Teams for PostgresStore {
    async fn join_by_code(&self, code: Hash, team: &TeamId) -> Result<bool, StoreError> {
        let sql = "UPDATE person SET team = $2 WHERE key = (SELECT person FROM code WHERE hash = $1)";
        Ok(self.client().await?.execute(sql, &[&code.as_slice(), &team.as_str()]).await? > 0)
    }

    async fn join(&self, person: &str, team: Option<&TeamId>) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let person = pseudonym(&admission::salt(&transaction).await?, person);
        let sql = "UPDATE person SET team = $2 WHERE pseudonym = $1";
        let joined = transaction.execute(sql, &[&person.as_slice(), &team.map(TeamId::as_str)]).await? > 0;
        transaction.commit().await?;
        Ok(joined)
    }
}

pub(super) async fn all(client: &impl GenericClient) -> Result<BTreeMap<u32, TeamId>, StoreError> {
    let mut teams = BTreeMap::new();
    for row in client.query("SELECT key, team FROM person WHERE team IS NOT NULL", &[]).await? {
        teams.insert(admission::person(row.try_get(0)?)?.0, team(row.try_get(1)?)?);
    }
    Ok(teams)
}
