//! Codes, devices, tokens.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{
    super::{Device, DeviceKey, Enrolling, Enrolment, PersonKey, StoreError, columns::instant},
    audit,
};
use crate::{
    audit::{Act, By, Named},
    secrets::{Hash, pseudonym},
};

const COLUMNS: &str = "key, id, person, enrolled, expires, revoked";

pub(super) fn add_code(
    conn: &mut Connection,
    by: &By,
    code: Hash,
    person: Option<&str>,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let person = person_key(&transaction, person)?;
    transaction.execute(
        "INSERT INTO code (hash, person, expires) VALUES (?1, ?2, ?3)",
        params![code, person.0, expires_at.as_millisecond()],
    )?;
    let act = Act::CodeMade { person: Named::Person { key: person }, expires_at };
    audit::write(&transaction, by, &act)?;
    transaction.commit()?;
    Ok(())
}

/// Somebody who is to be onboarded.
pub(super) fn person_key(transaction: &Transaction<'_>, name: Option<&str>) -> Result<PersonKey, StoreError> {
    let Some(name) = name else {
        transaction.execute("INSERT INTO person (pseudonym) VALUES (NULL)", [])?;
        return person(transaction.last_insert_rowid());
    };
    let hash = pseudonym(&salt(transaction)?, name);
    let sql = "UPDATE person SET rights_only = 0 WHERE pseudonym = ?1 RETURNING key";
    let known = transaction.query_row(sql, [hash], |row| row.get(0)).optional()?;
    known.map_or_else(|| new_person(transaction, hash), Ok).and_then(person)
}

pub(super) fn person(key: i64) -> Result<PersonKey, StoreError> {
    u32::try_from(key).map(PersonKey).map_err(|_| StoreError::Damaged(format!("{key} is no person")))
}

/// Somebody who has a name from now on. Other programs may have told of them before.
pub(super) fn new_person(transaction: &Transaction<'_>, pseudonym: Hash) -> Result<i64, StoreError> {
    transaction.execute("INSERT INTO person (pseudonym) VALUES (?1)", [pseudonym])?;
    let key = transaction.last_insert_rowid();
    transaction.execute(
        "UPDATE signal SET person = ?2 WHERE who = ?1 AND person IS NULL",
        params![pseudonym, key],
    )?;
    Ok(key)
}

/// What makes pseudonyms this hub's own.
pub(super) fn salt(conn: &Connection) -> Result<Vec<u8>, StoreError> {
    Ok(conn.query_row("SELECT salt FROM hub", [], |row| row.get(0))?)
}

pub(super) fn enrol(conn: &mut Connection, enrolment: &Enrolment) -> Result<Enrolling, StoreError> {
    let Enrolment { code, device, token, expires_at, now } = enrolment;
    let now = now.as_millisecond();
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let person: Option<i64> = transaction
        .query_row(
            "SELECT person FROM code WHERE hash = ?1 AND used IS NULL AND expires > ?2",
            params![code, now],
            |row| row.get(0),
        )
        .optional()?;
    let Some(person) = person else { return Ok(Enrolling::NoSuchCode) };
    let owner: Option<i64> = transaction
        .query_row("SELECT person FROM device WHERE id = ?1", [device.as_bytes()], |row| row.get(0))
        .optional()?;
    if owner.is_some_and(|owner| owner != person) {
        return Ok(Enrolling::SomebodyElses);
    }
    transaction.execute("UPDATE code SET used = ?2 WHERE hash = ?1", params![code, now])?;
    transaction.execute(
        "INSERT INTO device (id, person, token, enrolled, expires) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET token = ?3, enrolled = ?4, expires = ?5, revoked = NULL",
        params![device.as_bytes(), person, token, now, expires_at.as_millisecond()],
    )?;
    transaction.commit()?;
    Ok(Enrolling::Done)
}

pub(super) fn device(conn: &Connection, token: Hash) -> Result<Option<Device>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM device WHERE token = ?1");
    conn.prepare_cached(&sql)?.query_row([token], |row| Ok(read(row))).optional()?.transpose()
}

pub(super) fn devices(conn: &Connection) -> Result<Vec<Device>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM device ORDER BY key"))?;
    let mut devices = Vec::new();
    for device in statement.query_and_then([], read)? {
        devices.push(device?);
    }
    Ok(devices)
}

pub(super) fn revoke(conn: &mut Connection, by: &By, device: Uuid) -> Result<bool, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "SELECT person, revoked IS NOT NULL FROM device WHERE id = ?1";
    let found: Option<(u32, bool)> =
        transaction.query_row(sql, [device.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    if let Some((person, false)) = found {
        let sql = "UPDATE device SET revoked = ?2 WHERE id = ?1";
        transaction.execute(sql, params![device.as_bytes(), by.at.as_millisecond()])?;
        let device = Named::Device { id: device, key: PersonKey(person) };
        audit::write(&transaction, by, &Act::DeviceRevoked { device })?;
        transaction.commit()?;
    }
    Ok(found.is_some())
}

fn read(row: &Row<'_>) -> Result<Device, StoreError> {
    let revoked: Option<i64> = row.get(5)?;
    Ok(Device {
        key: DeviceKey(row.get(0)?),
        id: Uuid::from_bytes(row.get(1)?),
        person: PersonKey(row.get(2)?),
        enrolled_at: instant(row.get(3)?)?,
        expires_at: instant(row.get(4)?)?,
        revoked_at: revoked.map(instant).transpose()?,
    })
}
