//! What other programs said.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{
    super::{
        PersonKey, StoreError,
        columns::{day_number, day_of, instant, month_number, month_of},
        signals::{Integration, Said, ServiceMonth, Services, SignalCounts, Signals},
    },
    SqliteStore,
    admission::{self, new_person, person_key, salt},
    audit,
};
use crate::{
    audit::{Act, By, Named},
    insights::Period,
    secrets::{Hash, pseudonym},
    signals::{Signal, SignalKind},
};

#[async_trait]
impl Signals for SqliteStore {
    async fn add_integration(&self, by: &By, name: &str, token: Hash) -> Result<bool, StoreError> {
        let (by, name) = (by.clone(), name.to_owned());
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql = "INSERT OR IGNORE INTO integration (name, token, made) VALUES (?1, ?2, ?3)";
            let new = transaction.execute(sql, params![name, token, by.at.as_millisecond()])? > 0;
            if new {
                audit::write(&transaction, &by, &Act::IntegrationMade { name })?;
                transaction.commit()?;
            }
            Ok(new)
        })
        .await
    }

    async fn revoke_integration(&self, by: &By, name: &str) -> Result<bool, StoreError> {
        let (by, name) = (by.clone(), name.to_owned());
        Self::on(&self.writer, move |conn| {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql = "SELECT revoked IS NOT NULL FROM integration WHERE name = ?1";
            let revoked: Option<bool> = transaction.query_row(sql, [&name], |row| row.get(0)).optional()?;
            if revoked == Some(false) {
                let sql = "UPDATE integration SET revoked = ?2 WHERE name = ?1";
                transaction.execute(sql, params![name, by.at.as_millisecond()])?;
                audit::write(&transaction, &by, &Act::IntegrationRevoked { name })?;
                transaction.commit()?;
            }
            Ok(revoked.is_some())
        })
        .await
    }

    async fn integrations(&self) -> Result<Vec<Integration>, StoreError> {
        Self::on(&self.reader, |conn| {
            let mut statement =
                conn.prepare_cached("SELECT name, made, revoked FROM integration ORDER BY name")?;
            let mut rows = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let revoked: Option<i64> = row.get(2)?;
                all.push(Integration {
                    name: row.get(0)?,
                    made_at: instant(row.get(1)?)?,
                    revoked_at: revoked.map(instant).transpose()?,
                });
            }
            Ok(all)
        })
        .await
    }

    async fn integration(&self, token: Hash) -> Result<Option<String>, StoreError> {
        Self::on(&self.reader, move |conn| {
            let sql = "SELECT name FROM integration WHERE token = ?1 AND revoked IS NULL";
            Ok(conn.prepare_cached(sql)?.query_row([token], |row| row.get(0)).optional()?)
        })
        .await
    }

    async fn add_alias(&self, by: &By, person: &str, alias: &str) -> Result<bool, StoreError> {
        let (by, person, alias) = (by.clone(), person.to_owned(), alias.to_owned());
        Self::on(&self.writer, move |conn| add_alias(conn, &by, &person, &alias)).await
    }

    async fn take_signals(
        &self,
        source: &str,
        signals: Vec<(Signal, Date)>,
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let source = source.to_owned();
        Self::on(&self.writer, move |conn| take(conn, &source, &signals, now)).await
    }

    async fn signal_counts(&self) -> Result<SignalCounts, StoreError> {
        Self::on(&self.reader, counts).await
    }

    async fn services(&self, months: RangeInclusive<Period>) -> Result<Services, StoreError> {
        Self::on(&self.reader, move |conn| services(conn, months)).await
    }

    async fn recount_signals(&self) -> Result<SignalCounts, StoreError> {
        Self::on(&self.reader, |conn| recount(conn)).await
    }
}

fn add_alias(conn: &mut Connection, by: &By, person: &str, alias: &str) -> Result<bool, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let person = person_key(&transaction, Some(person))?;
    let alias = pseudonym(&salt(&transaction)?, alias);
    let known: Option<u32> = transaction
        .query_row("SELECT person FROM alias WHERE pseudonym = ?1", [alias], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(known == person.0);
    }
    transaction.execute("INSERT INTO alias (pseudonym, person) VALUES (?1, ?2)", params![alias, person.0])?;
    transaction.execute("UPDATE signal SET person = ?2 WHERE who = ?1", params![alias, person.0])?;
    // Months in which somebody was counted as another are counted anew.
    let mut months: BTreeSet<(String, i32)> = BTreeSet::new();
    {
        let sql = "SELECT DISTINCT subject, day / 100 FROM signal WHERE who = ?1 AND kind = ?2";
        let mut statement = transaction.prepare_cached(sql)?;
        let mut rows = statement.query(params![alias, SignalKind::ServiceUsed.name()])?;
        while let Some(row) = rows.next()? {
            months.insert((row.get(0)?, row.get(1)?));
        }
    }
    for (service, month) in months {
        count_again(&transaction, &service, month)?;
    }
    audit::write(&transaction, by, &Act::AliasAdded { person: Named::Person { key: person } })?;
    transaction.commit()?;
    Ok(true)
}

/// Counts a month of a service from what was said.
pub(super) fn count_again(conn: &Connection, service: &str, month: i32) -> Result<(), StoreError> {
    let sql = "SELECT person, day, ok FROM signal
               WHERE kind = ?1 AND subject = ?2 AND day BETWEEN ?3 * 100 AND ?3 * 100 + 99 AND person IS NOT NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![SignalKind::ServiceUsed.name(), service, month])?;
    let mut counted = ServiceMonth::default();
    while let Some(row) = rows.next()? {
        counted.count(PersonKey(row.get(0)?), day_of(row.get(1)?)?.day(), row.get(2)?);
    }
    write_month(conn, service, month, &counted)
}

fn take(
    conn: &mut Connection,
    source: &str,
    signals: &[(Signal, Date)],
    now: Timestamp,
) -> Result<Vec<bool>, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let salt = salt(&transaction)?;
    let mut added: BTreeMap<(&str, i32), ServiceMonth> = BTreeMap::new();
    let mut fresh = Vec::with_capacity(signals.len());
    for (signal, day) in signals {
        let who = signal.who.as_deref().map(|name| pseudonym(&salt, name));
        let person = who.map(|who| person_of(&transaction, who, signal.kind)).transpose()?.flatten();
        let new = transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO signal (source, id, kind, subject, ok, who, person, day, time, received)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                source,
                signal.id,
                signal.kind.name(),
                signal.subject,
                signal.ok,
                who,
                person.map(|person| person.0),
                day_number(*day),
                signal.at.as_millisecond(),
                now.as_millisecond()
            ])?
            > 0;
        fresh.push(new);
        if let Some(person) = person.filter(|_| new && signal.kind == SignalKind::ServiceUsed) {
            let month = month_number(Period::month_of(*day));
            added.entry((&signal.subject, month)).or_default().count(person, day.day(), signal.ok);
        }
    }
    for ((service, month), more) in added {
        let mut counted = read_month(&transaction, service, month)?;
        counted.add(&more);
        write_month(&transaction, service, month, &counted)?;
    }
    transaction.commit()?;
    Ok(fresh)
}

/// Who that is. Whoever uses a service is counted as somebody, whether an admin named them or not.
fn person_of(
    transaction: &Transaction<'_>,
    who: Hash,
    kind: SignalKind,
) -> Result<Option<PersonKey>, StoreError> {
    let sql = "SELECT coalesce((SELECT person FROM alias WHERE pseudonym = ?1),
                               (SELECT key FROM person WHERE pseudonym = ?1))";
    let known: Option<u32> = transaction.prepare_cached(sql)?.query_row([who], |row| row.get(0))?;
    match known {
        None if kind == SignalKind::ServiceUsed => {
            Ok(Some(admission::person(new_person(transaction, who)?)?))
        }
        known => Ok(known.map(PersonKey)),
    }
}

fn read_month(conn: &Connection, service: &str, month: i32) -> Result<ServiceMonth, StoreError> {
    let sql = "SELECT people FROM service_month WHERE service = ?1 AND month = ?2";
    let found: Option<Vec<u8>> =
        conn.prepare_cached(sql)?.query_row(params![service, month], |row| row.get(0)).optional()?;
    found.map_or(Ok(ServiceMonth::default()), |people| ServiceMonth::from_bytes(&people))
}

fn write_month(
    conn: &Connection,
    service: &str,
    month: i32,
    counted: &ServiceMonth,
) -> Result<(), StoreError> {
    if counted.people.is_empty() {
        let nobody = "DELETE FROM service_month WHERE service = ?1 AND month = ?2";
        conn.execute(nobody, params![service, month])?;
        return Ok(());
    }
    let sql = "INSERT OR REPLACE INTO service_month (service, month, people) VALUES (?1, ?2, ?3)";
    conn.prepare_cached(sql)?.execute(params![service, month, counted.to_bytes()])?;
    Ok(())
}

pub(super) fn services(conn: &Connection, months: RangeInclusive<Period>) -> Result<Services, StoreError> {
    let sql = "SELECT service, month, people FROM service_month WHERE month BETWEEN ?1 AND ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([*months.start(), *months.end()].map(month_number))?;
    let mut services = Services::new();
    while let Some(row) = rows.next()? {
        let people = row.get_ref(2)?.as_blob().map_err(|cause| StoreError::Database(Box::new(cause)))?;
        services.insert((row.get(0)?, month_of(row.get(1)?)?), ServiceMonth::from_bytes(people)?);
    }
    Ok(services)
}

fn counts(conn: &mut Connection) -> Result<SignalCounts, StoreError> {
    // All of one moment.
    let conn = conn.transaction()?;
    let services = services(&conn, Period::FIRST_MONTH..=Period::LAST_MONTH)?;
    Ok(SignalCounts { services, first_changes: first_changes(&conn)? })
}

pub(super) fn recount(conn: &Connection) -> Result<SignalCounts, StoreError> {
    let mut counts = SignalCounts::default();
    let mut statement = conn.prepare("SELECT kind, subject, day, ok, person, time FROM signal")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        counts.hear(Said {
            kind: row.get(0)?,
            subject: row.get(1)?,
            day: day_of(row.get(2)?)?,
            ok: row.get(3)?,
            person: row.get::<_, Option<u32>>(4)?.map(PersonKey),
            at: instant(row.get(5)?)?,
        })?;
    }
    // Whose first change is forgotten has none: a later one is not the first.
    let mut past = conn.prepare("SELECT key FROM person WHERE past = 1")?;
    let mut rows = past.query([])?;
    while let Some(row) = rows.next()? {
        counts.first_changes.remove(&PersonKey(row.get(0)?));
    }
    Ok(counts)
}

/// From the index over people and kinds: one look a person.
fn first_changes(conn: &Connection) -> Result<BTreeMap<PersonKey, Timestamp>, StoreError> {
    let sql = "SELECT person, min(time) FROM signal JOIN person ON person.key = signal.person
               WHERE kind = ?1 AND past = 0 GROUP BY person";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([SignalKind::ChangeMerged.name()])?;
    let mut first = BTreeMap::new();
    while let Some(row) = rows.next()? {
        first.insert(PersonKey(row.get(0)?), instant(row.get(1)?)?);
    }
    Ok(first)
}
