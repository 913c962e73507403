//! What other programs are to be told of requests.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use uuid::Uuid;

use super::{
    super::{
        PersonKey, StoreError,
        columns::instant,
        webhooks::{Delivery, MOST_NEWS, News, Webhooks},
    },
    SqliteStore, requests,
};
use crate::webhooks::Happening;

pub(super) const WEBHOOKS: &str = "
-- What happened to requests, each once; `told` once it was made into deliveries, for whoever wants to know.
CREATE TABLE request_news (
    request   BLOB NOT NULL,
    happening TEXT NOT NULL,
    at        INTEGER NOT NULL,
    told      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (request, happening)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_news_untold ON request_news (at) WHERE told = 0;
-- What waits to be sent: a row is gone when it arrived. `due` is put off by whoever sends it, for as long as that may take.
CREATE TABLE webhook_delivery (
    id       BLOB PRIMARY KEY NOT NULL,
    target   TEXT NOT NULL,
    request  BLOB NOT NULL,
    person   INTEGER NOT NULL,
    body     TEXT NOT NULL,
    made     INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due      INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_delivery_due ON webhook_delivery (due);
";

/// Notes that something happened to a request; once.
pub(super) fn note(
    conn: &Connection,
    request: Uuid,
    happening: Happening,
    at: i64,
) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT OR IGNORE INTO request_news (request, happening, at) VALUES (?1, ?2, ?3)")?
        .execute(params![request.as_bytes(), happening.name(), at])?;
    Ok(())
}

#[async_trait]
impl Webhooks for SqliteStore {
    async fn note_breaches(&self, requests: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        let late = requests.to_vec();
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for request in late {
                note(&transaction, request, Happening::Breached, now.as_millisecond())?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn news(&self) -> Result<Vec<News>, StoreError> {
        Self::on(&self.reader, news).await
    }

    async fn queue_webhooks(
        &self,
        request: Uuid,
        happening: Happening,
        deliveries: Vec<Delivery>,
    ) -> Result<(), StoreError> {
        Self::on(&self.writer, move |conn| queue(conn, request, happening, &deliveries)).await
    }

    async fn claim_webhooks(
        &self,
        now: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        Self::on(&self.writer, move |conn| claim(conn, now, until, most)).await
    }

    async fn webhook_done(&self, id: Uuid) -> Result<(), StoreError> {
        Self::on(&self.writer, move |conn| {
            conn.execute("DELETE FROM webhook_delivery WHERE id = ?1", [id.as_bytes()])?;
            Ok(())
        })
        .await
    }

    async fn webhook_again(&self, id: Uuid, at: Timestamp) -> Result<(), StoreError> {
        Self::on(&self.writer, move |conn| {
            let sql = "UPDATE webhook_delivery SET attempts = attempts + 1, due = ?2 WHERE id = ?1";
            conn.execute(sql, params![id.as_bytes(), at.as_millisecond()])?;
            Ok(())
        })
        .await
    }
}

fn news(conn: &mut Connection) -> Result<Vec<News>, StoreError> {
    // All of one moment.
    let conn = conn.transaction()?;
    let sql = format!(
        "SELECT request, happening, at FROM request_news WHERE told = 0 ORDER BY at LIMIT {MOST_NEWS}"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let happening: String = row.get(1)?;
        let happening = Happening::named(&happening).ok_or_else(|| damaged(&happening))?;
        // What is not there any more is news to nobody.
        if let Some(request) = requests::one(&conn, Uuid::from_bytes(row.get(0)?))? {
            found.push(News { request, happening, at: instant(row.get(2)?)? });
        }
    }
    Ok(found)
}

fn queue(
    conn: &mut Connection,
    request: Uuid,
    happening: Happening,
    deliveries: &[Delivery],
) -> Result<(), StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let told = "UPDATE request_news SET told = 1 WHERE request = ?1 AND happening = ?2 AND told = 0";
    if transaction.execute(told, params![request.as_bytes(), happening.name()])? == 0 {
        return Ok(());
    }
    for Delivery { id, target, request, person, body, made, attempts } in deliveries {
        let made = made.as_millisecond();
        transaction.execute(
            "INSERT INTO webhook_delivery (id, target, request, person, body, made, attempts, due)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6)",
            params![id.as_bytes(), target, request.as_bytes(), person.0, body, made, attempts],
        )?;
    }
    Ok(transaction.commit()?)
}

fn claim(
    conn: &mut Connection,
    now: Timestamp,
    until: Timestamp,
    most: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut claimed = Vec::new();
    {
        let sql = "UPDATE webhook_delivery SET due = ?2 WHERE id IN (
                       SELECT id FROM webhook_delivery WHERE due <= ?1 ORDER BY due, id LIMIT ?3)
                   RETURNING id, target, request, person, body, made, attempts";
        let mut statement = transaction.prepare_cached(sql)?;
        let mut rows = statement.query(params![now.as_millisecond(), until.as_millisecond(), most])?;
        while let Some(row) = rows.next()? {
            claimed.push(Delivery {
                id: Uuid::from_bytes(row.get(0)?),
                target: row.get(1)?,
                request: Uuid::from_bytes(row.get(2)?),
                person: PersonKey(row.get(3)?),
                body: row.get(4)?,
                made: instant(row.get(5)?)?,
                attempts: row.get(6)?,
            });
        }
    }
    transaction.commit()?;
    Ok(claimed)
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("nothing that happens to a request is called `{what}`"))
}
