//! Roles, and the tokens of those who have them.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{
    super::{
        PersonKey, StoreError,
        columns::instant,
        roles::{Access, Granted, Roles, grant_from},
    },
    SqliteStore, admission, audit,
};
use crate::{
    audit::{Act, By, Named},
    rights::{Asker, Grant, RoleSet},
    secrets::{Hash, pseudonym},
};

pub(super) const ROLES: &str = "
-- Whom the hub knows only because they have rights here: nobody who is to be onboarded.
ALTER TABLE person ADD COLUMN rights_only INTEGER NOT NULL DEFAULT 0;
CREATE TABLE role (
    person INTEGER NOT NULL REFERENCES person (key),
    name   TEXT NOT NULL,
    since  INTEGER NOT NULL,
    PRIMARY KEY (person, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE access (
    id      INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    person  INTEGER NOT NULL REFERENCES person (key),
    token   BLOB NOT NULL UNIQUE,
    made    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER
) STRICT;
";

#[async_trait]
impl Roles for SqliteStore {
    async fn grant(&self, by: &By, person: &str, grant: &Grant) -> Result<bool, StoreError> {
        let (by, person, grant) = (by.clone(), person.to_owned(), grant.clone());
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let key = somebody(&transaction, &person)?;
            let sql = "INSERT OR IGNORE INTO role (person, name, since) VALUES (?1, ?2, ?3)";
            let new =
                transaction.execute(sql, params![key.0, grant.to_string(), by.at.as_millisecond()])? > 0;
            if new {
                let act = Act::RoleGranted { person: Named::Person { key }, role: grant };
                audit::write(&transaction, &by, &act)?;
                transaction.commit()?;
            }
            Ok(new)
        })
        .await
    }

    async fn revoke_role(&self, by: &By, person: &str, grant: &Grant) -> Result<bool, StoreError> {
        let (by, person, grant) = (by.clone(), person.to_owned(), grant.clone());
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let Some(key) = known(&transaction, &person)? else { return Ok(false) };
            let sql = "DELETE FROM role WHERE person = ?1 AND name = ?2";
            let gone = transaction.execute(sql, params![key.0, grant.to_string()])? > 0;
            if gone {
                let act = Act::RoleRevoked { person: Named::Person { key }, role: grant };
                audit::write(&transaction, &by, &act)?;
                transaction.commit()?;
            }
            Ok(gone)
        })
        .await
    }

    async fn roles(&self) -> Result<Vec<Granted>, StoreError> {
        Self::on(&self.reader, |conn| {
            let mut statement =
                conn.prepare_cached("SELECT person, name, since FROM role ORDER BY person, name")?;
            let mut rows = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(Granted {
                    person: PersonKey(row.get(0)?),
                    grant: grant_from(&row.get::<_, String>(1)?)?,
                    since: instant(row.get(2)?)?,
                });
            }
            Ok(all)
        })
        .await
    }

    async fn person(&self, name: &str) -> Result<Option<PersonKey>, StoreError> {
        let name = name.to_owned();
        Self::on(&self.reader, move |conn| known(conn, &name)).await
    }

    async fn roles_of(&self, person: PersonKey) -> Result<RoleSet, StoreError> {
        Self::on(&self.reader, move |conn| roles_of(conn, person)).await
    }

    async fn add_access(
        &self,
        by: &By,
        person: &str,
        token: Hash,
        expires_at: Timestamp,
    ) -> Result<i64, StoreError> {
        let (by, person) = (by.clone(), person.to_owned());
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let key = somebody(&transaction, &person)?;
            transaction.execute(
                "INSERT INTO access (person, token, made, expires) VALUES (?1, ?2, ?3, ?4)",
                params![key.0, token, by.at.as_millisecond(), expires_at.as_millisecond()],
            )?;
            let id = transaction.last_insert_rowid();
            let act = Act::TokenMade { person: Named::Person { key }, token: id, expires_at };
            audit::write(&transaction, &by, &act)?;
            transaction.commit()?;
            Ok(id)
        })
        .await
    }

    async fn revoke_access(&self, by: &By, id: i64) -> Result<bool, StoreError> {
        let by = by.clone();
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql = "SELECT person, revoked IS NOT NULL FROM access WHERE id = ?1";
            let found: Option<(u32, bool)> =
                transaction.query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            if let Some((person, false)) = found {
                let sql = "UPDATE access SET revoked = ?2 WHERE id = ?1";
                transaction.execute(sql, params![id, by.at.as_millisecond()])?;
                let person = Named::Person { key: PersonKey(person) };
                audit::write(&transaction, &by, &Act::TokenRevoked { person, token: id })?;
                transaction.commit()?;
            }
            Ok(found.is_some())
        })
        .await
    }

    async fn accesses(&self) -> Result<Vec<Access>, StoreError> {
        Self::on(&self.reader, |conn| {
            let sql = "SELECT id, person, made, expires, revoked FROM access ORDER BY id";
            let mut statement = conn.prepare_cached(sql)?;
            let accesses = statement.query_and_then([], access)?;
            accesses.collect()
        })
        .await
    }

    async fn asker(&self, token: Hash, now: Timestamp) -> Result<Option<Asker>, StoreError> {
        Self::on(&self.reader, move |conn| {
            let sql = "SELECT person FROM access WHERE token = ?1 AND revoked IS NULL AND expires > ?2";
            let person: Option<u32> = conn
                .prepare_cached(sql)?
                .query_row(params![token, now.as_millisecond()], |row| row.get(0))
                .optional()?;
            let Some(person) = person.map(PersonKey) else { return Ok(None) };
            Ok(Some(Asker { person, roles: roles_of(conn, person)? }))
        })
        .await
    }
}

/// Somebody who is named, by the name or by another one; somebody who was never heard of is known from now on.
pub(super) fn somebody(transaction: &Transaction<'_>, name: &str) -> Result<PersonKey, StoreError> {
    if let Some(known) = known(transaction, name)? {
        return Ok(known);
    }
    let hash = pseudonym(&admission::salt(transaction)?, name);
    let key = admission::new_person(transaction, hash)?;
    transaction.execute("UPDATE person SET rights_only = 1 WHERE key = ?1", [key])?;
    admission::person(key)
}

/// The same, if the hub has heard of them.
pub(super) fn known(conn: &Connection, name: &str) -> Result<Option<PersonKey>, StoreError> {
    let hash = pseudonym(&admission::salt(conn)?, name);
    let sql = "SELECT coalesce((SELECT person FROM alias WHERE pseudonym = ?1),
                               (SELECT key FROM person WHERE pseudonym = ?1))";
    let known: Option<i64> = conn.query_row(sql, [hash], |row| row.get(0))?;
    known.map(admission::person).transpose()
}

pub(super) fn roles_of(conn: &Connection, person: PersonKey) -> Result<RoleSet, StoreError> {
    let mut statement = conn.prepare_cached("SELECT name FROM role WHERE person = ?1")?;
    let names = statement.query_map([person.0], |row| row.get::<_, String>(0))?;
    names.map(|name| grant_from(&name?)).collect()
}

fn access(row: &Row<'_>) -> Result<Access, StoreError> {
    let revoked: Option<i64> = row.get(4)?;
    Ok(Access {
        id: row.get(0)?,
        person: PersonKey(row.get(1)?),
        made_at: instant(row.get(2)?)?,
        expires_at: instant(row.get(3)?)?,
        revoked_at: revoked.map(instant).transpose()?,
    })
}
