//! Sessions.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{
    super::{
        PersonKey, StoreError,
        columns::instant,
        sessions::{KEPT, NewSession, Session, Sessions, Whose, kept},
    },
    SqliteStore, admission, audit, roles,
};
use crate::{
    audit::{Act, By, Named},
    secrets::Hash,
    signin::Key,
};

pub(super) const SESSIONS: &str = "
-- Who is signed in. `roles` is what their groups gave them then, one a line; `signin` is the sign-in that made it, `access`
-- the access token it stands and falls with.
CREATE TABLE session (
    token   BLOB PRIMARY KEY NOT NULL,
    person  INTEGER NOT NULL REFERENCES person (key),
    roles   TEXT NOT NULL,
    signin  BLOB UNIQUE,
    access  INTEGER REFERENCES access (id),
    made    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    ended   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX session_of_person ON session (person);
CREATE INDEX session_by_end ON session (expires);
";

#[async_trait]
impl Sessions for SqliteStore {
    async fn begin_session(&self, whose: Whose, new: NewSession) -> Result<bool, StoreError> {
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (now, expires) = (new.at.as_millisecond(), new.expires_at.as_millisecond());
            transaction.execute("DELETE FROM session WHERE expires < ?1", [(new.at - KEPT).as_millisecond()])?;
            let made = match whose {
                Whose::Named { name, roles, signin } => {
                    let person = roles::somebody(&transaction, &name)?;
                    transaction.execute(
                        "INSERT INTO session (token, person, roles, signin, made, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                         ON CONFLICT (signin) DO NOTHING",
                        params![new.token, person.0, kept(&roles), signin, now, expires],
                    )?
                }
                Whose::Bearer(access) => transaction.execute(
                    "INSERT INTO session (token, person, roles, access, made, expires)
                     SELECT ?1, person, '', id, ?3, min(?4, expires) FROM access
                     WHERE token = ?2 AND revoked IS NULL AND expires > ?3",
                    params![new.token, access, now, expires],
                )?,
            };
            transaction.commit()?;
            Ok(made > 0)
        })
        .await
    }

    async fn session(&self, token: Hash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        Self::on(&self.reader, move |conn| {
            let sql = "SELECT session.person, session.roles, session.expires
                       FROM session LEFT JOIN access ON access.id = session.access
                       WHERE session.token = ?1 AND session.ended IS NULL AND session.expires > ?2
                       AND access.revoked IS NULL";
            let found: Option<(u32, String, i64)> = conn
                .prepare_cached(sql)?
                .query_row(params![token, now.as_millisecond()], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()?;
            let Some((person, kept, expires)) = found else { return Ok(None) };
            let person = PersonKey(person);
            let granted = roles::roles_of(conn, person)?;
            Ok(Some(Session::of(person, &granted, &kept, instant(expires)?)))
        })
        .await
    }

    async fn end_session(&self, token: Hash, now: Timestamp) -> Result<(), StoreError> {
        Self::on(&self.writer, move |conn| {
            let sql = "UPDATE session SET ended = coalesce(ended, ?2) WHERE token = ?1";
            conn.execute(sql, params![token, now.as_millisecond()])?;
            Ok(())
        })
        .await
    }

    async fn sign_out(&self, by: &By, person: &str) -> Result<Option<u64>, StoreError> {
        let (by, person) = (by.clone(), person.to_owned());
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let Some(person) = roles::known(&transaction, &person)? else { return Ok(None) };
            let now = by.at.as_millisecond();
            let sql = "UPDATE session SET ended = ?2 WHERE person = ?1 AND ended IS NULL AND expires > ?2";
            let sessions = transaction.execute(sql, params![person.0, now])? as u64;
            if sessions > 0 {
                let act = Act::SignedOut { person: Named::Person { key: person }, sessions };
                audit::write(&transaction, &by, &act)?;
            }
            transaction.commit()?;
            Ok(Some(sessions))
        })
        .await
    }

    async fn signin_key(&self) -> Result<Key, StoreError> {
        Self::on(&self.reader, |conn| Ok(Key::of(&admission::salt(conn)?))).await
    }
}
