//! One person, handed over or erased.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params, types::ValueRef};
use serde_json::{Map, Value, json};

use super::{
    super::{
        PersonKey, StoreError,
        columns::{Kinds, day_of, people_from, people_to},
        people::{Erasing, Export, People, Raw, Rows, TABLES, Table, Whom, uses_of, written},
    },
    SqliteStore,
    admission::{self, new_person, salt},
    audit, signals,
    surveys::settle_for,
};
use crate::{
    audit::{Act, By, Named},
    insights::Period,
    secrets::pseudonym,
    signals::SignalKind,
};

#[async_trait]
impl People for SqliteStore {
    async fn export(&self, by: &By, person: &Whom) -> Result<Option<Export>, StoreError> {
        let (by, kinds, person) = (by.clone(), self.kinds.clone(), person.clone());
        Self::on(&self.writer, move |conn| export(conn, &by, &kinds, &person)).await
    }

    async fn erase(&self, by: &By, people: &[Whom], zone: &TimeZone) -> Result<Erasing, StoreError> {
        let (by, people, zone) = (by.clone(), people.to_vec(), zone.clone());
        let erased = Self::on(&self.writer, move |conn| erase(conn, &by, &people, &zone)).await?;
        Self::on(&self.writer, sweep).await?;
        Ok(erased)
    }
}

/// Who that is. Somebody of whom other programs have told, and nobody else, is somebody from now on; whoever only wants to
/// look rolls that back.
fn find(transaction: &Connection, whom: &Whom) -> Result<Option<i64>, StoreError> {
    let name = match whom {
        Whom::Name(name) => pseudonym(&salt(transaction)?, name),
        Whom::Number(PersonKey(key)) => {
            let sql = "SELECT key FROM person WHERE key = ?1";
            return Ok(transaction.query_row(sql, [key], |row| row.get(0)).optional()?);
        }
    };
    let sql = "SELECT coalesce((SELECT person FROM alias WHERE pseudonym = ?1),
                               (SELECT key FROM person WHERE pseudonym = ?1))";
    let known: Option<i64> = transaction.query_row(sql, [name], |row| row.get(0))?;
    let told = "SELECT 1 FROM signal WHERE who = ?1";
    if known.is_none() && transaction.prepare_cached(told)?.exists([name])? {
        return new_person(transaction, name).map(Some);
    }
    Ok(known)
}

fn is(column: &str) -> String {
    format!("{column} = ?1")
}

fn export(conn: &mut Connection, by: &By, kinds: &Kinds, whom: &Whom) -> Result<Option<Export>, StoreError> {
    // All of one moment; and nobody is somebody afterwards who was not before.
    let mut transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let looking = transaction.savepoint()?;
    let Some(person) = find(&looking, whom)? else { return Ok(None) };
    let export = export_of(&looking, kinds, person)?;
    looking.finish()?;
    let known = "SELECT 1 FROM person WHERE key = ?1";
    let person = if transaction.prepare_cached(known)?.exists([person])? {
        Named::Person { key: PersonKey(export.person) }
    } else {
        Named::Erased
    };
    audit::write(&transaction, by, &Act::PersonExported { person })?;
    transaction.commit()?;
    Ok(Some(export))
}

fn export_of(transaction: &Connection, kinds: &Kinds, person: i64) -> Result<Export, StoreError> {
    let key = admission::person(person)?.0;
    let mut tables = BTreeMap::new();
    for Table { name, rows } in TABLES {
        if let Some(theirs) = rows.of(is) {
            tables.insert(*name, rows_of(transaction, kinds, name, &theirs, person)?);
        }
    }
    tables.insert("day_people", days_of(transaction, key)?);
    let used = signals::services(transaction, Period::FIRST_MONTH..=Period::LAST_MONTH)?;
    tables.insert("service_month", uses_of(&used, key));
    Ok(Export { person: key, tables })
}

/// The days on which somebody was active.
fn days_of(conn: &Connection, person: u32) -> Result<Vec<Map<String, Value>>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT day, people FROM day_people ORDER BY day")?;
    let mut rows = statement.query([])?;
    let mut days = Vec::new();
    while let Some(row) = rows.next()? {
        if people_from(&row.get::<_, Vec<u8>>(1)?)?.contains(person) {
            days.push(Map::from_iter([("day".to_owned(), json!(day_of(row.get(0)?)?.to_string()))]));
        }
    }
    Ok(days)
}

fn rows_of(
    conn: &Connection,
    kinds: &Kinds,
    table: &str,
    theirs: &str,
    person: i64,
) -> Result<Vec<Map<String, Value>>, StoreError> {
    let mut statement = conn.prepare(&format!("SELECT * FROM {table} WHERE {theirs}"))?;
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let mut rows = statement.query([person])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let mut values = Map::new();
        for (index, column) in columns.iter().enumerate() {
            let raw = match row.get_ref(index)? {
                ValueRef::Null => Raw::Null,
                ValueRef::Integer(number) => Raw::Number(number),
                ValueRef::Text(text) => Raw::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Raw::Bytes(bytes.to_vec()),
                ValueRef::Real(_) => {
                    return Err(StoreError::Damaged(format!("`{column}` of {table} is a fraction")));
                }
            };
            values.insert(column.clone(), written(column, raw, kinds)?);
        }
        all.push(values);
    }
    Ok(all)
}

fn erase(conn: &mut Connection, by: &By, whom: &[Whom], zone: &TimeZone) -> Result<Erasing, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut people = BTreeSet::new();
    for one in whom {
        let Some(person) = find(&transaction, one)? else { return Ok(Erasing::Unknown(one.clone())) };
        people.insert(person);
    }
    keep_numbers(&transaction)?;
    transaction.execute("UPDATE hub SET swept = 0", [])?;
    settle_for(&transaction, &people, zone)?;
    let mut erased = 0;
    for person in &people {
        erased += erase_one(&transaction, *person)?;
    }
    audit::write(&transaction, by, &Act::PeopleErased { people: people.len() as u64 })?;
    transaction.commit()?;
    Ok(Erasing::Done(erased))
}

/// Before people or devices go: nobody else gets their numbers.
pub(super) fn keep_numbers(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE hub SET people = max(people, coalesce((SELECT max(key) FROM person), 0)),
                        devices = max(devices, coalesce((SELECT max(key) FROM device), 0))",
        [],
    )?;
    Ok(())
}

fn erase_one(transaction: &Transaction<'_>, person: i64) -> Result<u64, StoreError> {
    let key = admission::person(person)?.0;
    let theirs = |rows: Rows| rows.of(is).unwrap_or_default();
    // What the counts lose, before what they were counted from goes.
    let events = format!(
        "UPDATE day_events SET n = n - lost
         FROM (SELECT day, kind, count(*) AS lost FROM event WHERE {} GROUP BY day, kind) AS gone
         WHERE day_events.day = gone.day AND day_events.kind = gone.kind",
        theirs(Rows::OfDevice)
    );
    transaction.execute(&events, [person])?;
    transaction.execute("DELETE FROM day_events WHERE n = 0", [])?;
    let mut used: Vec<(String, i32)> = Vec::new();
    {
        let sql = format!(
            "SELECT DISTINCT subject, day / 100 FROM signal WHERE kind = ?2 AND ({})",
            theirs(Rows::Signals)
        );
        let mut statement = transaction.prepare(&sql)?;
        let mut rows = statement.query(params![person, SignalKind::ServiceUsed.name()])?;
        while let Some(row) = rows.next()? {
            used.push((row.get(0)?, row.get(1)?));
        }
    }
    let mut erased = 0;
    for Table { name, rows } in TABLES {
        if let Some(theirs) = rows.gone_with(is) {
            erased += transaction.execute(&format!("DELETE FROM {name} WHERE {theirs}"), [person])? as u64;
        }
    }
    for (service, month) in used {
        signals::count_again(transaction, &service, month)?;
    }
    erased += take_from_days(transaction, key)?;
    // The latest event may have been theirs.
    transaction.execute("DELETE FROM latest", [])?;
    transaction.execute(
        "INSERT INTO latest (only, time) SELECT 1, max(coalesce(happened, time)) FROM event HAVING count(*) > 0",
        [],
    )?;
    Ok(erased)
}

/// Takes somebody out of the days they were active on; how many there were.
fn take_from_days(transaction: &Transaction<'_>, person: u32) -> Result<u64, StoreError> {
    let mut changed = Vec::new();
    {
        let mut statement = transaction.prepare("SELECT day, people FROM day_people")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mut people = people_from(&row.get::<_, Vec<u8>>(1)?)?;
            if people.remove(person) {
                changed.push((row.get::<_, i32>(0)?, people));
            }
        }
    }
    for (day, people) in &changed {
        if people.is_empty() {
            transaction.execute("DELETE FROM day_people WHERE day = ?1", [day])?;
        } else {
            let sql = "UPDATE day_people SET people = ?2 WHERE day = ?1";
            transaction.execute(sql, params![day, people_to(people)?])?;
        }
    }
    Ok(changed.len() as u64)
}

/// Writes the file anew without what was erased, and empties the log beside it, if that was not done yet. Deleting alone
/// leaves copies in both.
pub(super) fn sweep(conn: &mut Connection) -> Result<(), StoreError> {
    if conn.query_row("SELECT swept FROM hub", [], |row| row.get(0))? {
        return Ok(());
    }
    conn.execute_batch("VACUUM")?;
    // Waits for whoever reads what was before, as long as for a lock.
    let busy: bool = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(StoreError::Unswept);
    }
    conn.execute("UPDATE hub SET swept = 1", [])?;
    Ok(())
}
