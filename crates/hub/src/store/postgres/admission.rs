//! Codes, devices, tokens. Whoever comes at the same time is told apart by the rows they lock.

use deadpool_postgres::{ClientWrapper, Transaction};
use jiff::Timestamp;
use tokio_postgres::Row;
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

pub(super) async fn add_code(
    client: &mut ClientWrapper,
    by: &By,
    code: Hash,
    named: Option<&str>,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    let key = person_key(&transaction, named).await?;
    transaction
        .execute(
            "INSERT INTO code (hash, person, expires) VALUES ($1, $2, $3)",
            &[&code.as_slice(), &key, &expires_at.as_millisecond()],
        )
        .await?;
    let act = Act::CodeMade { person: Named::Person { key: person(key)? }, expires_at };
    audit::write(&transaction, by, &act).await?;
    Ok(transaction.commit().await?)
}

/// Somebody who is to be onboarded.
pub(super) async fn person_key(transaction: &Transaction<'_>, name: Option<&str>) -> Result<i32, StoreError> {
    let salt = salt(transaction).await?;
    let hash = name.map(|name| pseudonym(&salt, name));
    let known = "UPDATE person SET rights_only = false WHERE pseudonym = $1 RETURNING key";
    if let Some(known) = transaction.query_opt(known, &[&hash.as_ref().map(Hash::as_slice)]).await? {
        return Ok(known.try_get(0)?);
    }
    new_person(transaction, hash.as_ref()).await
}

/// What makes pseudonyms this hub's own. Its row is locked: new people come one after the other, no number is skipped, nobody
/// has two.
pub(super) async fn salt(transaction: &Transaction<'_>) -> Result<Vec<u8>, StoreError> {
    Ok(transaction.query_one("SELECT salt FROM hub FOR UPDATE", &[]).await?.try_get(0)?)
}

/// Somebody new; who has a name may be somebody other programs have told of before. Only after [`salt`].
pub(super) async fn new_person(
    transaction: &Transaction<'_>,
    pseudonym: Option<&Hash>,
) -> Result<i32, StoreError> {
    let pseudonym = pseudonym.map(Hash::as_slice);
    let new =
        "INSERT INTO person (key, pseudonym) SELECT coalesce(max(key), 0) + 1, $1 FROM person RETURNING key";
    let key: i32 = transaction.query_one(new, &[&pseudonym]).await?.try_get(0)?;
    let told = "UPDATE signal SET person = $2 WHERE who = $1 AND person IS NULL";
    transaction.execute(told, &[&pseudonym, &key]).await?;
    Ok(key)
}

pub(super) async fn enrol(
    client: &mut ClientWrapper,
    enrolment: &Enrolment,
) -> Result<Enrolling, StoreError> {
    let Enrolment { code, device, token, expires_at, now } = enrolment;
    let (code, token, now) = (code.as_slice(), token.as_slice(), now.as_millisecond());
    let transaction = client.transaction().await?;
    // Who waited for the lock sees that the code was used.
    let used = "UPDATE code SET used = $2 WHERE hash = $1 AND used IS NULL AND expires > $2 RETURNING person";
    let Some(row) = transaction.query_opt(used, &[&code, &now]).await? else {
        return Ok(Enrolling::NoSuchCode);
    };
    let person: i32 = row.try_get(0)?;
    let entered = "INSERT INTO device (id, person, token, enrolled, expires) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (id) DO UPDATE SET token = $3, enrolled = $4, expires = $5, revoked = NULL
                   WHERE device.person = $2 RETURNING key";
    let entered = transaction
        .query_opt(entered, &[device, &person, &token, &now, &expires_at.as_millisecond()])
        .await?;
    let Some(row) = entered else {
        // Rolled back: the code still counts.
        return Ok(Enrolling::SomebodyElses);
    };
    let key: i64 = row.try_get(0)?;
    let marked = "INSERT INTO mark (device, high, gaps, accepted, refused) VALUES ($1, 0, '', 0, 0)
                  ON CONFLICT DO NOTHING";
    transaction.execute(marked, &[&key]).await?;
    transaction.commit().await?;
    Ok(Enrolling::Done)
}

pub(super) async fn device(client: &ClientWrapper, token: Hash) -> Result<Option<Device>, StoreError> {
    let statement = client.prepare_cached(&format!("SELECT {COLUMNS} FROM device WHERE token = $1")).await?;
    client.query_opt(&statement, &[&token.as_slice()]).await?.as_ref().map(read).transpose()
}

pub(super) async fn devices(client: &ClientWrapper) -> Result<Vec<Device>, StoreError> {
    let rows = client.query(&format!("SELECT {COLUMNS} FROM device ORDER BY key"), &[]).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn revoke(client: &mut ClientWrapper, by: &By, device: Uuid) -> Result<bool, StoreError> {
    let transaction = client.transaction().await?;
    let found = "SELECT person, revoked IS NOT NULL FROM device WHERE id = $1 FOR UPDATE";
    let Some(row) = transaction.query_opt(found, &[&device]).await? else { return Ok(false) };
    if !row.try_get::<_, bool>(1)? {
        let revoked = "UPDATE device SET revoked = $2 WHERE id = $1";
        transaction.execute(revoked, &[&device, &by.at.as_millisecond()]).await?;
        let device = Named::Device { id: device, key: person(row.try_get(0)?)? };
        audit::write(&transaction, by, &Act::DeviceRevoked { device }).await?;
        transaction.commit().await?;
    }
    Ok(true)
}

fn read(row: &Row) -> Result<Device, StoreError> {
    let revoked: Option<i64> = row.try_get(5)?;
    Ok(Device {
        key: DeviceKey(row.try_get(0)?),
        id: row.try_get(1)?,
        person: person(row.try_get(2)?)?,
        enrolled_at: instant(row.try_get(3)?)?,
        expires_at: instant(row.try_get(4)?)?,
        revoked_at: revoked.map(instant).transpose()?,
    })
}

pub(super) fn person(key: i32) -> Result<PersonKey, StoreError> {
    u32::try_from(key).map(PersonKey).map_err(|_| StoreError::Damaged(format!("{key} is no person")))
}

pub(super) fn key(person: PersonKey) -> Result<i32, StoreError> {
    i32::try_from(person.0).map_err(|_| StoreError::Damaged(format!("{} is no person", person.0)))
}
