//! One person, handed over or erased.
//!
//! Whoever does that holds the row of the hub, so that nobody is named meanwhile and other programs tell nothing; then the
//! person's codes, so that no device of theirs is let in; then the marks of their devices, as every writer does first: what
//! was under way is in the tables by then and goes with the rest, and what comes later finds no device.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use deadpool_postgres::{ClientWrapper, Transaction};
use jiff::tz::TimeZone;
use roaring::RoaringBitmap;
use serde_json::{Map, Value, json};
use tokio_postgres::{GenericClient, Row, types::Type};

use super::{
    super::{
        PersonKey, StoreError,
        columns::{Kinds, day_of, people_from, people_to},
        people::{Erasing, Export, People, Raw, Rows, TABLES, Table, Whom, uses_of, written},
    },
    PostgresStore, admission, again, audit,
    log::Failure,
    signals,
    surveys::settle_for,
};
use crate::{
    audit::{Act, By, Named},
    insights::Period,
    secrets::pseudonym,
    signals::SignalKind,
};

#[async_trait]
impl People for PostgresStore {
    async fn export(&self, by: &By, person: &Whom) -> Result<Option<Export>, StoreError> {
        Ok(again!(self, client => export(&mut client, by, &self.kinds, person)))
    }

    async fn erase(&self, by: &By, people: &[Whom], zone: &TimeZone) -> Result<Erasing, StoreError> {
        Ok(again!(self, client => erase(&mut client, by, people, zone)))
    }
}

/// Who that is. Somebody of whom other programs have told, and nobody else, is somebody from now on; whoever only wants to
/// look rolls that back. Holds the row of the hub.
async fn find(transaction: &Transaction<'_>, whom: &Whom) -> Result<Option<i32>, StoreError> {
    let salt = admission::salt(transaction).await?;
    let name = match whom {
        Whom::Name(name) => pseudonym(&salt, name),
        Whom::Number(PersonKey(key)) => {
            let Ok(key) = i32::try_from(*key) else { return Ok(None) };
            let found = transaction.query_opt("SELECT key FROM person WHERE key = $1", &[&key]).await?;
            return Ok(found.map(|row| row.try_get(0)).transpose()?);
        }
    };
    let known = "SELECT coalesce((SELECT person FROM alias WHERE pseudonym = $1),
                                 (SELECT key FROM person WHERE pseudonym = $1)),
                        EXISTS (SELECT FROM signal WHERE who = $1)";
    let row = transaction.query_one(known, &[&name.as_slice()]).await?;
    match row.try_get(0)? {
        None if row.try_get(1)? => admission::new_person(transaction, Some(&name)).await.map(Some),
        known => Ok(known),
    }
}

/// Holds some people, in the order in which everybody locks.
async fn hold(transaction: &Transaction<'_>, people: &[i32]) -> Result<(), Failure> {
    for held in [
        "SELECT FROM code WHERE person = ANY ($1) ORDER BY hash FOR UPDATE",
        "SELECT FROM person WHERE key = ANY ($1) ORDER BY key FOR UPDATE",
        "SELECT FROM mark WHERE device IN (SELECT key FROM device WHERE person = ANY ($1))
         ORDER BY device FOR UPDATE",
    ] {
        transaction.execute(held, &[&people]).await?;
    }
    Ok(())
}

fn are(column: &str) -> String {
    format!("{column} = ANY ($1)")
}

async fn export(
    client: &mut ClientWrapper,
    by: &By,
    kinds: &Kinds,
    whom: &Whom,
) -> Result<Option<Export>, Failure> {
    let mut transaction = client.transaction().await?;
    // Nobody is somebody afterwards who was not before.
    let looking = transaction.savepoint("looking").await?;
    let Some(person) = find(&looking, whom).await? else { return Ok(None) };
    let export = export_of(&looking, kinds, person).await?;
    looking.rollback().await?;
    let known = transaction.query_opt("SELECT FROM person WHERE key = $1", &[&person]).await?;
    let key = PersonKey(export.person);
    let person = if known.is_some() { Named::Person { key } } else { Named::Erased };
    audit::write(&transaction, by, &Act::PersonExported { person }).await?;
    transaction.commit().await?;
    Ok(Some(export))
}

/// Held while it is read, so that it is of one moment.
async fn export_of(transaction: &Transaction<'_>, kinds: &Kinds, person: i32) -> Result<Export, Failure> {
    let people = [person];
    hold(transaction, &people).await?;
    let mut tables = BTreeMap::new();
    for Table { name, rows } in TABLES {
        if let Some(theirs) = rows.of(are) {
            let sql = format!("SELECT * FROM {name} WHERE {theirs}");
            let rows = transaction.query(&sql, &[&people.as_slice()]).await?;
            let rows = rows.iter().map(|row| values(row, kinds)).collect::<Result<_, _>>()?;
            tables.insert(*name, rows);
        }
    }
    let key = admission::person(person)?.0;
    tables.insert("day_people", days_of(&**transaction, key).await?);
    let used = signals::services(&**transaction, Period::FIRST_MONTH..=Period::LAST_MONTH).await?;
    tables.insert("service_month", uses_of(&used, key));
    Ok(Export { person: key, tables })
}

/// The days on which somebody was active.
async fn days_of(client: &impl GenericClient, person: u32) -> Result<Vec<Map<String, Value>>, StoreError> {
    let mut days = Vec::new();
    for row in client.query("SELECT day, people FROM day_people ORDER BY day", &[]).await? {
        if people_from(row.try_get(1)?)?.contains(person) {
            days.push(Map::from_iter([("day".to_owned(), json!(day_of(row.try_get(0)?)?.to_string()))]));
        }
    }
    Ok(days)
}

fn values(row: &Row, kinds: &Kinds) -> Result<Map<String, Value>, StoreError> {
    let mut values = Map::new();
    for (index, column) in row.columns().iter().enumerate() {
        let raw = match *column.type_() {
            Type::BOOL => row.try_get::<_, Option<bool>>(index)?.map(Raw::Bool),
            Type::INT2 => row.try_get::<_, Option<i16>>(index)?.map(|number| Raw::Number(number.into())),
            Type::INT4 => row.try_get::<_, Option<i32>>(index)?.map(|number| Raw::Number(number.into())),
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.map(Raw::Number),
            Type::TEXT => row.try_get::<_, Option<String>>(index)?.map(Raw::Text),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(index)?.map(Raw::Bytes),
            Type::UUID => row.try_get::<_, Option<uuid::Uuid>>(index)?.map(Raw::Id),
            _ => return Err(StoreError::Damaged(format!("`{}` is of a type nobody writes", column.name()))),
        };
        values.insert(column.name().to_owned(), written(column.name(), raw.unwrap_or(Raw::Null), kinds)?);
    }
    Ok(values)
}

async fn erase(
    client: &mut ClientWrapper,
    by: &By,
    whom: &[Whom],
    zone: &TimeZone,
) -> Result<Erasing, Failure> {
    let transaction = client.transaction().await?;
    let mut people = BTreeSet::new();
    for one in whom {
        let Some(person) = find(&transaction, one).await? else { return Ok(Erasing::Unknown(one.clone())) };
        people.insert(person);
    }
    let people: Vec<i32> = people.into_iter().collect();
    hold(&transaction, &people).await?;
    keep_numbers(&transaction).await?;
    settle_for(&transaction, &people, zone).await?;
    let erased = erase_all(&transaction, &people).await?;
    audit::write(&transaction, by, &Act::PeopleErased { people: people.len() as u64 }).await?;
    transaction.commit().await?;
    Ok(Erasing::Done(erased))
}

/// Before people go: nobody else gets their numbers. Only after [`admission::salt`].
pub(super) async fn keep_numbers(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let kept = "UPDATE hub SET people = greatest(people, (SELECT max(key) FROM person))";
    transaction.execute(kept, &[]).await?;
    Ok(())
}

async fn erase_all(transaction: &Transaction<'_>, people: &[i32]) -> Result<u64, Failure> {
    let theirs = |rows: Rows| rows.of(are).unwrap_or_default();
    // What the counts lose, before what they were counted from goes.
    let lost = format!(
        "SELECT day, kind, count(*) FROM event WHERE {} GROUP BY day, kind ORDER BY day, kind",
        theirs(Rows::OfDevice)
    );
    let lost = transaction.query(&lost, &[&people]).await?;
    let used = format!(
        "SELECT DISTINCT subject, day / 100 AS month FROM signal WHERE kind = $2 AND ({}) ORDER BY subject, month",
        theirs(Rows::Signals)
    );
    let used = transaction.query(&used, &[&people, &SignalKind::ServiceUsed.name()]).await?;
    let mut erased = 0;
    for Table { name, rows } in TABLES {
        if let Some(theirs) = rows.gone_with(are) {
            erased += transaction.execute(&format!("DELETE FROM {name} WHERE {theirs}"), &[&people]).await?;
        }
    }
    for row in used {
        signals::count_again(transaction, row.try_get(0)?, row.try_get(1)?).await?;
    }
    // In the order in which everybody locks what all share.
    erased += take_from_days(transaction, people).await?;
    for row in lost {
        let of: (i32, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let fewer = "UPDATE day_events SET n = n - $3 WHERE day = $1 AND kind = $2";
        transaction.execute(fewer, &[&of.0, &of.1, &of.2]).await?;
        let none = "DELETE FROM day_events WHERE day = $1 AND kind = $2 AND n = 0";
        transaction.execute(none, &[&of.0, &of.1]).await?;
    }
    // The latest event may have been theirs. Whoever writes one holds this row until it can be seen.
    transaction.execute("SELECT FROM latest FOR UPDATE", &[]).await?;
    let latest = "UPDATE latest SET time = (SELECT max(coalesce(happened, time)) FROM event) WHERE EXISTS (SELECT FROM event)";
    if transaction.execute(latest, &[]).await? == 0 {
        transaction.execute("DELETE FROM latest", &[]).await?;
    }
    Ok(erased)
}

/// Takes people out of the days they were active on; how many there were.
async fn take_from_days(transaction: &Transaction<'_>, people: &[i32]) -> Result<u64, Failure> {
    let gone = people.iter().map(|person| Ok(admission::person(*person)?.0));
    let gone = gone.collect::<Result<RoaringBitmap, StoreError>>()?;
    let mut taken = 0;
    for row in transaction.query("SELECT day, people FROM day_people ORDER BY day", &[]).await? {
        if people_from(row.try_get(1)?)?.is_disjoint(&gone) {
            continue;
        }
        let day: i32 = row.try_get(0)?;
        // Others may have come to it meanwhile.
        let locked = "SELECT people FROM day_people WHERE day = $1 FOR UPDATE";
        let Some(row) = transaction.query_opt(locked, &[&day]).await? else { continue };
        let mut people = people_from(row.try_get(0)?)?;
        taken += people.intersection_len(&gone);
        people -= &gone;
        if people.is_empty() {
            transaction.execute("DELETE FROM day_people WHERE day = $1", &[&day]).await?;
        } else {
            let sql = "UPDATE day_people SET people = $2 WHERE day = $1";
            transaction.execute(sql, &[&day, &people_to(&people)?]).await?;
        }
    }
    Ok(taken)
}
