//! What other programs are to be told of requests. Rows that another hub works on are passed over.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::GenericClient;
use uuid::Uuid;

use super::{
    super::{
        StoreError,
        columns::instant,
        webhooks::{Delivery, MOST_NEWS, News, Webhooks},
    },
    PostgresStore, admission, requests,
};
use crate::webhooks::Happening;

pub(super) const WEBHOOKS: &str = "
-- What happened to requests, each once; `told` once it was made into deliveries, for whoever wants to know.
CREATE TABLE request_news (
    request   uuid NOT NULL,
    happening text NOT NULL,
    at        bigint NOT NULL,
    told      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (request, happening)
);
CREATE INDEX request_news_untold ON request_news (at) WHERE NOT told;
-- What waits to be sent: a row is gone when it arrived. `due` is put off by whoever sends it, for as long as that may take.
CREATE TABLE webhook_delivery (
    id       uuid PRIMARY KEY,
    target   text NOT NULL,
    request  uuid NOT NULL,
    person   integer NOT NULL,
    body     text NOT NULL,
    made     bigint NOT NULL,
    attempts integer NOT NULL,
    due      bigint NOT NULL
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (due);
";

/// Notes that something happened to requests; once each.
pub(super) async fn note(
    client: &impl GenericClient,
    requests: &[Uuid],
    happening: Happening,
    at: i64,
) -> Result<(), tokio_postgres::Error> {
    let sql = "INSERT INTO request_news (request, happening, at)
               SELECT request, $2, $3 FROM unnest($1::uuid[]) AS noted (request) ORDER BY request
               ON CONFLICT DO NOTHING";
    client.execute(sql, &[&requests, &happening.name(), &at]).await?;
    Ok(())
}

#[async_trait]
impl Webhooks for PostgresStore {
    async fn note_breaches(&self, requests: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        Ok(note(&**client, requests, Happening::Breached, now.as_millisecond()).await?)
    }

    async fn news(&self) -> Result<Vec<News>, StoreError> {
        let client = self.client().await?;
        let sql = format!(
            "SELECT {}, happening, at FROM request_news JOIN request ON request.id = request_news.request
             WHERE NOT request_news.told AND request.received IS NOT NULL ORDER BY at LIMIT {MOST_NEWS}",
            requests::COLUMNS
        );
        let rows = client.query(&sql, &[]).await?;
        let read = |row: &tokio_postgres::Row| {
            let happening: &str = row.try_get(requests::WIDTH)?;
            Ok(News {
                request: requests::read(row)?,
                happening: Happening::named(happening).ok_or_else(|| damaged(happening))?,
                at: instant(row.try_get(requests::WIDTH + 1)?)?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn queue_webhooks(
        &self,
        request: Uuid,
        happening: Happening,
        deliveries: Vec<Delivery>,
    ) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        // Who waited for the lock of another hub sees that it was told.
        let told = "UPDATE request_news SET told = true WHERE request = $1 AND happening = $2 AND NOT told";
        if transaction.execute(told, &[&request, &happening.name()]).await? == 0 {
            return Ok(());
        }
        for Delivery { id, target, request, person, body, made, attempts } in &deliveries {
            let queued =
                "INSERT INTO webhook_delivery (id, target, request, person, body, made, attempts, due)
                          VALUES ($1, $2, $3, $4, $5, $6, $7, $6)";
            let person = i32::try_from(person.0).map_err(|_| damaged("its person"))?;
            let attempts = i32::try_from(*attempts).unwrap_or(i32::MAX);
            transaction
                .execute(queued, &[id, target, request, &person, body, &made.as_millisecond(), &attempts])
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn claim_webhooks(
        &self,
        now: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let claimed = "UPDATE webhook_delivery SET due = $2 WHERE id IN (
                           SELECT id FROM webhook_delivery WHERE due <= $1 ORDER BY due, id
                           LIMIT $3 FOR UPDATE SKIP LOCKED)
                       RETURNING id, target, request, person, body, made, attempts";
        let (now, until) = (now.as_millisecond(), until.as_millisecond());
        let rows = self.client().await?.query(claimed, &[&now, &until, &i64::from(most)]).await?;
        let read = |row: &tokio_postgres::Row| {
            let attempts: i32 = row.try_get(6)?;
            Ok(Delivery {
                id: row.try_get(0)?,
                target: row.try_get(1)?,
                request: row.try_get(2)?,
                person: admission::person(row.try_get(3)?)?,
                body: row.try_get(4)?,
                made: instant(row.try_get(5)?)?,
                attempts: u32::try_from(attempts).map_err(|_| damaged("its attempts"))?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn webhook_done(&self, id: Uuid) -> Result<(), StoreError> {
        self.client().await?.execute("DELETE FROM webhook_delivery WHERE id = $1", &[&id]).await?;
        Ok(())
    }

    async fn webhook_again(&self, id: Uuid, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE webhook_delivery SET attempts = attempts + 1, due = $2 WHERE id = $1";
        self.client().await?.execute(sql, &[&id, &at.as_millisecond()]).await?;
        Ok(())
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("a webhook cannot be read: {what}"))
}
