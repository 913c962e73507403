//! Roles, and the tokens of those who have them. Whoever changes them holds the row of the hub: one after the other.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::{
    super::{
        PersonKey, StoreError,
        columns::instant,
        roles::{Access, Granted, Roles, grant_from},
    },
    PostgresStore, admission, audit,
};
use crate::{
    audit::{Act, By, Named},
    rights::{Asker, Grant, RoleSet},
    secrets::{Hash, pseudonym},
};

pub(super) const ROLES: &str = "
-- Whom the hub knows only because they have rights here: nobody who is to be onboarded.
ALTER TABLE person ADD COLUMN rights_only boolean NOT NULL DEFAULT false;
CREATE TABLE role (
    person integer NOT NULL REFERENCES person (key),
    name   text NOT NULL,
    since  bigint NOT NULL,
    PRIMARY KEY (person, name)
);
CREATE TABLE access (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person  integer NOT NULL REFERENCES person (key),
    token   bytea NOT NULL UNIQUE,
    made    bigint NOT NULL,
    expires bigint NOT NULL,
    revoked bigint
);
";

#[async_trait]
impl Roles for PostgresStore {
    async fn grant(&self, by: &By, person: &str, grant: &Grant) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let person = somebody(&transaction, person).await?;
        let sql = "INSERT INTO role (person, name, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let (name, since) = (grant.to_string(), by.at.as_millisecond());
        let new = transaction.execute(sql, &[&person, &name, &since]).await? > 0;
        if new {
            let person = Named::Person { key: admission::person(person)? };
            audit::write(&transaction, by, &Act::RoleGranted { person, role: grant.clone() }).await?;
            transaction.commit().await?;
        }
        Ok(new)
    }

    async fn revoke_role(&self, by: &By, person: &str, grant: &Grant) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let Some(person) = known(&transaction, person).await? else { return Ok(false) };
        let sql = "DELETE FROM role WHERE person = $1 AND name = $2";
        let gone = transaction.execute(sql, &[&person, &grant.to_string()]).await? > 0;
        if gone {
            let person = Named::Person { key: admission::person(person)? };
            audit::write(&transaction, by, &Act::RoleRevoked { person, role: grant.clone() }).await?;
            transaction.commit().await?;
        }
        Ok(gone)
    }

    async fn roles(&self) -> Result<Vec<Granted>, StoreError> {
        // By byte, as SQLite does.
        let sql = "SELECT person, name, since FROM role ORDER BY person, name COLLATE \"C\"";
        let rows = self.client().await?.query(sql, &[]).await?;
        let read = |row: &Row| {
            Ok(Granted {
                person: admission::person(row.try_get(0)?)?,
                grant: grant_from(row.try_get(1)?)?,
                since: instant(row.try_get(2)?)?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn person(&self, name: &str) -> Result<Option<PersonKey>, StoreError> {
        let mut client = self.client().await?;
        let known = known(&client.transaction().await?, name).await?;
        known.map(admission::person).transpose()
    }

    async fn roles_of(&self, person: PersonKey) -> Result<RoleSet, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached("SELECT name FROM role WHERE person = $1").await?;
        let rows = client.query(&statement, &[&admission::key(person)?]).await?;
        rows.iter().map(|row| grant_from(row.try_get(0)?)).collect()
    }

    async fn add_access(
        &self,
        by: &By,
        person: &str,
        token: Hash,
        expires_at: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let person = somebody(&transaction, person).await?;
        let sql = "INSERT INTO access (person, token, made, expires) VALUES ($1, $2, $3, $4) RETURNING id";
        let (made, expires) = (by.at.as_millisecond(), expires_at.as_millisecond());
        let row = transaction.query_one(sql, &[&person, &token.as_slice(), &made, &expires]).await?;
        let token = row.try_get(0)?;
        let person = Named::Person { key: admission::person(person)? };
        audit::write(&transaction, by, &Act::TokenMade { person, token, expires_at }).await?;
        transaction.commit().await?;
        Ok(token)
    }

    async fn revoke_access(&self, by: &By, id: i64) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let sql = "SELECT person, revoked IS NOT NULL FROM access WHERE id = $1 FOR UPDATE";
        let Some(row) = transaction.query_opt(sql, &[&id]).await? else { return Ok(false) };
        if !row.try_get::<_, bool>(1)? {
            let sql = "UPDATE access SET revoked = $2 WHERE id = $1";
            transaction.execute(sql, &[&id, &by.at.as_millisecond()]).await?;
            let person = Named::Person { key: admission::person(row.try_get(0)?)? };
            audit::write(&transaction, by, &Act::TokenRevoked { person, token: id }).await?;
            transaction.commit().await?;
        }
        Ok(true)
    }

    async fn accesses(&self) -> Result<Vec<Access>, StoreError> {
        let sql = "SELECT id, person, made, expires, revoked FROM access ORDER BY id";
        let rows = self.client().await?.query(sql, &[]).await?;
        let read = |row: &Row| {
            let revoked: Option<i64> = row.try_get(4)?;
            Ok(Access {
                id: row.try_get(0)?,
                person: admission::person(row.try_get(1)?)?,
                made_at: instant(row.try_get(2)?)?,
                expires_at: instant(row.try_get(3)?)?,
                revoked_at: revoked.map(instant).transpose()?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn asker(&self, token: Hash, now: Timestamp) -> Result<Option<Asker>, StoreError> {
        let client = self.client().await?;
        let sql = "SELECT access.person, role.name FROM access LEFT JOIN role USING (person)
                   WHERE token = $1 AND revoked IS NULL AND expires > $2";
        let statement = client.prepare_cached(sql).await?;
        let rows = client.query(&statement, &[&token.as_slice(), &now.as_millisecond()]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let person = admission::person(first.try_get(0)?)?;
        let names = rows.iter().filter_map(|row| row.try_get::<_, Option<&str>>(1).transpose());
        let roles = names.map(|name| grant_from(name?)).collect::<Result<RoleSet, StoreError>>()?;
        Ok(Some(Asker { person, roles }))
    }
}

/// Somebody who is named, by the name or by another one; somebody who was never heard of is known from now on.
pub(super) async fn somebody(transaction: &Transaction<'_>, name: &str) -> Result<i32, StoreError> {
    if let Some(known) = known(transaction, name).await? {
        return Ok(known);
    }
    let hash = pseudonym(&admission::salt(transaction).await?, name);
    let key = admission::new_person(transaction, Some(&hash)).await?;
    transaction.execute("UPDATE person SET rights_only = true WHERE key = $1", &[&key]).await?;
    Ok(key)
}

/// The same, if the hub has heard of them.
pub(super) async fn known(transaction: &Transaction<'_>, name: &str) -> Result<Option<i32>, StoreError> {
    let hash = pseudonym(&admission::salt(transaction).await?, name);
    let sql = "SELECT coalesce((SELECT person FROM alias WHERE pseudonym = $1),
                               (SELECT key FROM person WHERE pseudonym = $1))";
    Ok(transaction.query_one(sql, &[&hash.as_slice()]).await?.try_get(0)?)
}
