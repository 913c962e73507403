//! What other programs said. Whoever takes it in, or says who is who, holds the row of the hub: one after the other, so that
//! nobody's name comes between a look and a write.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use jiff::{Timestamp, civil::Date};
use tokio_postgres::Row;

use super::{
    super::{
        PersonKey, StoreError,
        columns::{day_number, day_of, instant, people_from, people_to},
        signals::{Integration, Said, ServiceDay, SignalCounts, Signals},
    },
    PostgresStore, admission, audit, number,
};
use crate::{
    audit::{Act, By, Named},
    secrets::{Hash, pseudonym},
    signals::{Signal, SignalKind},
};

#[async_trait]
impl Signals for PostgresStore {
    async fn add_integration(&self, by: &By, name: &str, token: Hash) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let sql = "INSERT INTO integration (name, token, made) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let new = transaction.execute(sql, &[&name, &token.as_slice(), &by.at.as_millisecond()]).await? > 0;
        if new {
            audit::write(&transaction, by, &Act::IntegrationMade { name: name.to_owned() }).await?;
            transaction.commit().await?;
        }
        Ok(new)
    }

    async fn revoke_integration(&self, by: &By, name: &str) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let found = "SELECT revoked IS NOT NULL FROM integration WHERE name = $1 FOR UPDATE";
        let Some(row) = transaction.query_opt(found, &[&name]).await? else { return Ok(false) };
        if !row.try_get::<_, bool>(0)? {
            let sql = "UPDATE integration SET revoked = $2 WHERE name = $1";
            transaction.execute(sql, &[&name, &by.at.as_millisecond()]).await?;
            audit::write(&transaction, by, &Act::IntegrationRevoked { name: name.to_owned() }).await?;
            transaction.commit().await?;
        }
        Ok(true)
    }

    async fn integrations(&self) -> Result<Vec<Integration>, StoreError> {
        // By byte, as SQLite does.
        let sql = "SELECT name, made, revoked FROM integration ORDER BY name COLLATE \"C\"";
        let rows = self.client().await?.query(sql, &[]).await?;
        let read = |row: &Row| {
            let revoked: Option<i64> = row.try_get(2)?;
            Ok(Integration {
                name: row.try_get(0)?,
                made_at: instant(row.try_get(1)?)?,
                revoked_at: revoked.map(instant).transpose()?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn integration(&self, token: Hash) -> Result<Option<String>, StoreError> {
        let client = self.client().await?;
        let sql = "SELECT name FROM integration WHERE token = $1 AND revoked IS NULL";
        let statement = client.prepare_cached(sql).await?;
        let row = client.query_opt(&statement, &[&token.as_slice()]).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    async fn add_alias(&self, by: &By, person: &str, alias: &str) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let person = admission::person_key(&transaction, Some(person)).await?;
        let alias = pseudonym(&admission::salt(&transaction).await?, alias);
        let alias = alias.as_slice();
        let known = "SELECT person FROM alias WHERE pseudonym = $1";
        let known = transaction.query_opt(known, &[&alias]).await?;
        let known: Option<i32> = known.map(|row| row.try_get(0)).transpose()?;
        if let Some(known) = known {
            return Ok(known == person);
        }
        let added = "INSERT INTO alias (pseudonym, person) VALUES ($1, $2)";
        transaction.execute(added, &[&alias, &person]).await?;
        transaction.execute("UPDATE signal SET person = $2 WHERE who = $1", &[&alias, &person]).await?;
        // Days on which somebody was counted as another are counted anew.
        let days =
            "SELECT DISTINCT subject, day FROM signal WHERE who = $1 AND kind = $2 ORDER BY subject, day";
        let used = SignalKind::ServiceUsed.name();
        for row in transaction.query(days, &[&alias, &used]).await? {
            let (service, day): (String, i32) = (row.try_get(0)?, row.try_get(1)?);
            let said = "SELECT ok, person FROM signal WHERE kind = $1 AND subject = $2 AND day = $3";
            let mut counted = ServiceDay::default();
            for row in transaction.query(said, &[&used, &service, &day]).await? {
                counted.count(row.try_get(0)?, person_of(&row, 1)?);
            }
            write_day(&transaction, &service, day, &counted).await?;
        }
        let person = Named::Person { key: admission::person(person)? };
        audit::write(&transaction, by, &Act::AliasAdded { person }).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn take_signals(
        &self,
        source: &str,
        signals: Vec<(Signal, Date)>,
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let salt = admission::salt(&transaction).await?;
        let kept = "INSERT INTO signal (source, id, kind, subject, ok, who, person, day, time, received)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
        let kept = transaction.prepare_cached(kept).await?;
        let mut fresh = Vec::with_capacity(signals.len());
        let mut added: BTreeMap<(String, i32), ServiceDay> = BTreeMap::new();
        for (signal, day) in signals {
            let who = signal.who.as_deref().map(|name| pseudonym(&salt, name));
            let person = match &who {
                Some(who) => known_person(&transaction, who, signal.kind).await?,
                None => None,
            };
            let (who, day) = (who.as_ref().map(Hash::as_slice), day_number(day));
            let (time, received) = (signal.at.as_millisecond(), now.as_millisecond());
            let (id, subject, kind) = (&signal.id, &signal.subject, signal.kind.name());
            let new = transaction
                .execute(
                    &kept,
                    &[&source, id, &kind, subject, &signal.ok, &who, &person, &day, &time, &received],
                )
                .await?
                > 0;
            fresh.push(new);
            if new && signal.kind == SignalKind::ServiceUsed {
                let person = person.map(admission::person).transpose()?;
                added.entry((signal.subject, day)).or_default().count(signal.ok, person);
            }
        }
        for ((service, day), more) in added {
            let mut counted = read_day(&transaction, &service, day).await?;
            counted.add(more);
            write_day(&transaction, &service, day, &counted).await?;
        }
        transaction.commit().await?;
        Ok(fresh)
    }

    async fn signal_counts(&self) -> Result<SignalCounts, StoreError> {
        let mut client = self.client().await?;
        // All of one moment.
        let transaction = client
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .read_only(true);
        let transaction = transaction.start().await?;
        let mut counts = SignalCounts::default();
        for row in
            transaction.query("SELECT service, day, uses, failed, people FROM service_day", &[]).await?
        {
            counts.services.insert((row.try_get(0)?, day_of(row.try_get(1)?)?), day_from(&row, 2)?);
        }
        let first =
            "SELECT person, min(time) FROM signal WHERE kind = $1 AND person IS NOT NULL GROUP BY person";
        for row in transaction.query(first, &[&SignalKind::ChangeMerged.name()]).await? {
            counts.first_changes.insert(admission::person(row.try_get(0)?)?, instant(row.try_get(1)?)?);
        }
        Ok(counts)
    }

    async fn recount_signals(&self) -> Result<SignalCounts, StoreError> {
        let rows = "SELECT kind, subject, day, ok, person, time FROM signal";
        let rows = self.client().await?.query(rows, &[]).await?;
        let mut counts = SignalCounts::default();
        for row in rows {
            counts.hear(Said {
                kind: row.try_get(0)?,
                subject: row.try_get(1)?,
                day: day_of(row.try_get(2)?)?,
                ok: row.try_get(3)?,
                person: person_of(&row, 4)?,
                at: instant(row.try_get(5)?)?,
            })?;
        }
        Ok(counts)
    }
}

fn person_of(row: &Row, column: usize) -> Result<Option<PersonKey>, StoreError> {
    let person: Option<i32> = row.try_get(column)?;
    person.map(admission::person).transpose()
}

/// Who that is. Whoever uses a service is counted as somebody, whether an admin named them or not.
async fn known_person(
    transaction: &Transaction<'_>,
    who: &Hash,
    kind: SignalKind,
) -> Result<Option<i32>, StoreError> {
    let known = "SELECT coalesce((SELECT person FROM alias WHERE pseudonym = $1),
                                 (SELECT key FROM person WHERE pseudonym = $1))";
    let known = transaction.prepare_cached(known).await?;
    let known: Option<i32> = transaction.query_one(&known, &[&who.as_slice()]).await?.try_get(0)?;
    match known {
        None if kind == SignalKind::ServiceUsed => {
            admission::new_person(transaction, Some(who)).await.map(Some)
        }
        known => Ok(known),
    }
}

fn day_from(row: &Row, column: usize) -> Result<ServiceDay, StoreError> {
    Ok(ServiceDay {
        uses: number(row.try_get(column)?)?,
        failed: number(row.try_get(column + 1)?)?,
        people: people_from(row.try_get(column + 2)?)?,
    })
}

async fn read_day(transaction: &Transaction<'_>, service: &str, day: i32) -> Result<ServiceDay, StoreError> {
    let sql = "SELECT uses, failed, people FROM service_day WHERE service = $1 AND day = $2";
    let found = transaction.query_opt(sql, &[&service, &day]).await?;
    Ok(found.map(|row| day_from(&row, 0)).transpose()?.unwrap_or_default())
}

async fn write_day(
    transaction: &Transaction<'_>,
    service: &str,
    day: i32,
    counted: &ServiceDay,
) -> Result<(), StoreError> {
    let count = |n: u64| {
        i64::try_from(n).map_err(|_| StoreError::Damaged("a count is too large for the database".to_owned()))
    };
    let sql = "INSERT INTO service_day (service, day, uses, failed, people) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (service, day) DO UPDATE SET uses = $3, failed = $4, people = $5";
    let (uses, failed, people) = (count(counted.uses)?, count(counted.failed)?, people_to(&counted.people)?);
    transaction.execute(sql, &[&service, &day, &uses, &failed, &people]).await?;
    Ok(())
}
