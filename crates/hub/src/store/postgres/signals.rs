//! What other programs said. Whoever takes it in, or says who is who, holds the row of the hub: one after the other, so that
//! nobody's name comes between a look and a write.

use std::{collections::BTreeMap, ops::RangeInclusive};

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use jiff::{Timestamp, civil::Date};
use tokio_postgres::{GenericClient, Row};

use super::{
    super::{
        StoreError,
        columns::{day_number, day_of, instant, month_number, month_of},
        signals::{Integration, Said, ServiceMonth, Services, SignalCounts, Signals},
    },
    PostgresStore, admission, audit,
};
use crate::{
    audit::{Act, By, Named},
    insights::Period,
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
        // Months in which somebody was counted as another are counted anew.
        let months = "SELECT DISTINCT subject, day / 100 FROM signal WHERE who = $1 AND kind = $2";
        for row in transaction.query(months, &[&alias, &SignalKind::ServiceUsed.name()]).await? {
            count_again(&transaction, row.try_get(0)?, row.try_get(1)?).await?;
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
        let mut added: BTreeMap<(String, i32), ServiceMonth> = BTreeMap::new();
        for (signal, day) in signals {
            let who = signal.who.as_deref().map(|name| pseudonym(&salt, name));
            let person = match &who {
                Some(who) => known_person(&transaction, who, signal.kind).await?,
                None => None,
            };
            let (who, on) = (who.as_ref().map(Hash::as_slice), day_number(day));
            let (time, received) = (signal.at.as_millisecond(), now.as_millisecond());
            let (id, subject, kind) = (&signal.id, &signal.subject, signal.kind.name());
            let new = transaction
                .execute(
                    &kept,
                    &[&source, id, &kind, subject, &signal.ok, &who, &person, &on, &time, &received],
                )
                .await?
                > 0;
            fresh.push(new);
            let person = person.map(admission::person).transpose()?;
            if let Some(person) = person.filter(|_| new && signal.kind == SignalKind::ServiceUsed) {
                let month = month_number(Period::month_of(day));
                added.entry((signal.subject, month)).or_default().count(person, day.day(), signal.ok);
            }
        }
        for ((service, month), more) in added {
            let mut counted = read_month(&transaction, &service, month).await?;
            counted.add(&more);
            write_month(&transaction, &service, month, &counted).await?;
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
        let all = Period::FIRST_MONTH..=Period::LAST_MONTH;
        let mut counts =
            SignalCounts { services: services(&*transaction, all).await?, ..SignalCounts::default() };
        let first = "SELECT person, min(time) FROM signal JOIN person ON person.key = signal.person
                     WHERE kind = $1 AND NOT past GROUP BY person";
        for row in transaction.query(first, &[&SignalKind::ChangeMerged.name()]).await? {
            counts.first_changes.insert(admission::person(row.try_get(0)?)?, instant(row.try_get(1)?)?);
        }
        Ok(counts)
    }

    async fn services(&self, months: RangeInclusive<Period>) -> Result<Services, StoreError> {
        services(&**self.client().await?, months).await
    }

    async fn recount_signals(&self) -> Result<SignalCounts, StoreError> {
        let mut client = self.client().await?;
        // All of one moment.
        let transaction = client
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .read_only(true);
        recount(&*transaction.start().await?).await
    }
}

pub(super) async fn recount(client: &impl GenericClient) -> Result<SignalCounts, StoreError> {
    let mut counts = SignalCounts::default();
    for row in client.query("SELECT kind, subject, day, ok, person, time FROM signal", &[]).await? {
        let person: Option<i32> = row.try_get(4)?;
        counts.hear(Said {
            kind: row.try_get(0)?,
            subject: row.try_get(1)?,
            day: day_of(row.try_get(2)?)?,
            ok: row.try_get(3)?,
            person: person.map(admission::person).transpose()?,
            at: instant(row.try_get(5)?)?,
        })?;
    }
    // Whose first change is forgotten has none: a later one is not the first.
    for row in client.query("SELECT key FROM person WHERE past", &[]).await? {
        counts.first_changes.remove(&admission::person(row.try_get(0)?)?);
    }
    Ok(counts)
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

/// Counts a month of a service from what was said. Whoever does holds the row of the hub.
pub(super) async fn count_again(
    transaction: &Transaction<'_>,
    service: &str,
    month: i32,
) -> Result<(), StoreError> {
    let said = "SELECT person, day, ok FROM signal
                WHERE kind = $1 AND subject = $2 AND day BETWEEN $3 * 100 AND $3 * 100 + 99 AND person IS NOT NULL";
    let mut counted = ServiceMonth::default();
    for row in transaction.query(said, &[&SignalKind::ServiceUsed.name(), &service, &month]).await? {
        let person = admission::person(row.try_get(0)?)?;
        counted.count(person, day_of(row.try_get(1)?)?.day(), row.try_get(2)?);
    }
    write_month(transaction, service, month, &counted).await
}

async fn read_month(
    transaction: &Transaction<'_>,
    service: &str,
    month: i32,
) -> Result<ServiceMonth, StoreError> {
    let sql = "SELECT people FROM service_month WHERE service = $1 AND month = $2";
    let found = transaction.query_opt(sql, &[&service, &month]).await?;
    found.map_or(Ok(ServiceMonth::default()), |row| ServiceMonth::from_bytes(row.try_get(0)?))
}

async fn write_month(
    transaction: &Transaction<'_>,
    service: &str,
    month: i32,
    counted: &ServiceMonth,
) -> Result<(), StoreError> {
    if counted.people.is_empty() {
        let nobody = "DELETE FROM service_month WHERE service = $1 AND month = $2";
        transaction.execute(nobody, &[&service, &month]).await?;
        return Ok(());
    }
    let sql = "INSERT INTO service_month (service, month, people) VALUES ($1, $2, $3)
               ON CONFLICT (service, month) DO UPDATE SET people = $3";
    transaction.execute(sql, &[&service, &month, &counted.to_bytes()]).await?;
    Ok(())
}

pub(super) async fn services(
    client: &impl GenericClient,
    months: RangeInclusive<Period>,
) -> Result<Services, StoreError> {
    let sql = "SELECT service, month, people FROM service_month WHERE month BETWEEN $1 AND $2";
    let (from, to) = (month_number(*months.start()), month_number(*months.end()));
    let mut services = Services::new();
    for row in client.query(sql, &[&from, &to]).await? {
        let month = month_of(row.try_get(1)?)?;
        services.insert((row.try_get(0)?, month), ServiceMonth::from_bytes(row.try_get(2)?)?);
    }
    Ok(services)
}
