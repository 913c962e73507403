//! Sessions.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    super::{
        StoreError,
        columns::instant,
        roles::Roles as _,
        sessions::{KEPT, NewSession, Session, Sessions, Whose, kept},
    },
    PostgresStore, admission, audit, roles,
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
    token   bytea PRIMARY KEY,
    person  integer NOT NULL REFERENCES person (key),
    roles   text NOT NULL,
    signin  bytea UNIQUE,
    access  bigint REFERENCES access (id),
    made    bigint NOT NULL,
    expires bigint NOT NULL,
    ended   bigint
);
CREATE INDEX session_of_person ON session (person);
CREATE INDEX session_by_end ON session (expires);
";

#[async_trait]
impl Sessions for PostgresStore {
    async fn begin_session(&self, whose: Whose, new: NewSession) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let (token, now, expires) =
            (new.token.as_slice(), new.at.as_millisecond(), new.expires_at.as_millisecond());
        let over = "DELETE FROM session WHERE expires < $1";
        transaction.execute(over, &[&(new.at - KEPT).as_millisecond()]).await?;
        let made = match whose {
            Whose::Named { name, roles, signin } => {
                let person = roles::somebody(&transaction, &name).await?;
                let sql = "INSERT INTO session (token, person, roles, signin, made, expires)
                           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (signin) DO NOTHING";
                let signin = signin.as_ref().map(Hash::as_slice);
                transaction.execute(sql, &[&token, &person, &kept(&roles), &signin, &now, &expires]).await?
            }
            Whose::Bearer(access) => {
                let sql = "INSERT INTO session (token, person, roles, access, made, expires)
                           SELECT $1::bytea, person, '', id, $3::bigint, least($4::bigint, expires) FROM access
                           WHERE token = $2 AND revoked IS NULL AND expires > $3";
                transaction.execute(sql, &[&token, &access.as_slice(), &now, &expires]).await?
            }
        };
        transaction.commit().await?;
        Ok(made > 0)
    }

    async fn session(&self, token: Hash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let row = {
            let client = self.client().await?;
            let sql = "SELECT session.person, session.roles, session.expires
                       FROM session LEFT JOIN access ON access.id = session.access
                       WHERE session.token = $1 AND session.ended IS NULL AND session.expires > $2
                       AND access.revoked IS NULL";
            let statement = client.prepare_cached(sql).await?;
            client.query_opt(&statement, &[&token.as_slice(), &now.as_millisecond()]).await?
        };
        let Some(row) = row else { return Ok(None) };
        let person = admission::person(row.try_get(0)?)?;
        let granted = self.roles_of(person).await?;
        Ok(Some(Session::of(person, &granted, row.try_get(1)?, instant(row.try_get(2)?)?)))
    }

    async fn end_session(&self, token: Hash, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE session SET ended = coalesce(ended, $2) WHERE token = $1";
        self.client().await?.execute(sql, &[&token.as_slice(), &now.as_millisecond()]).await?;
        Ok(())
    }

    async fn sign_out(&self, by: &By, person: &str) -> Result<Option<u64>, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let Some(person) = roles::known(&transaction, person).await? else { return Ok(None) };
        let sql = "UPDATE session SET ended = $2 WHERE person = $1 AND ended IS NULL AND expires > $2";
        let now = by.at.as_millisecond();
        let sessions = transaction.execute(sql, &[&person, &now]).await?;
        if sessions > 0 {
            let act = Act::SignedOut { person: Named::Person { key: admission::person(person)? }, sessions };
            audit::write(&transaction, by, &act).await?;
        }
        transaction.commit().await?;
        Ok(Some(sessions))
    }

    async fn signin_key(&self) -> Result<Key, StoreError> {
        let salt: Vec<u8> = self.client().await?.query_one("SELECT salt FROM hub", &[]).await?.try_get(0)?;
        Ok(Key::of(&salt))
    }
}
