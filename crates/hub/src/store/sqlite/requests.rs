//! What others are asked for, and what they answered.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::{
    id::StepId,
    registry::EventType,
    request::{Answered, Closing, Reply},
};
use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, Row, TransactionBehavior, params};
use uuid::Uuid;

use super::{
    super::{
        DeviceKey, PersonKey, StoreError,
        columns::{Kinds, instant},
        requests::{Again, Answering, Logged, MOST_ANSWERS, Request, Requests, Which, said_in},
        settling::Accepted,
    },
    SqliteStore, audit, webhooks,
};
use crate::{
    audit::{Act, By},
    ingest::request::{Opened, Said, What},
    requests::calendar::WorkingHours,
    webhooks::Happening,
};

pub(super) const REQUESTS: &str = "
-- Working hours. What was promised keeps the version it was promised under.
CREATE TABLE calendar (
    version  INTEGER PRIMARY KEY NOT NULL,
    zone     TEXT NOT NULL,
    hours    TEXT NOT NULL,
    holidays TEXT NOT NULL,
    since    INTEGER NOT NULL
) STRICT;
-- What somebody was asked for; without `received`, only its end has arrived so far. `told` is the sequence that said the name.
CREATE TABLE request (
    id          BLOB PRIMARY KEY NOT NULL,
    device      INTEGER NOT NULL,
    person      INTEGER NOT NULL,
    told        INTEGER,
    journey     BLOB,
    step        TEXT,
    title       TEXT,
    owner       TEXT,
    sla         TEXT,
    signed_name TEXT,
    asked       INTEGER,
    received    INTEGER,
    calendar    INTEGER,
    ending      TEXT,
    ended       INTEGER,
    reply       TEXT,
    words       TEXT,
    answered_by TEXT,
    answered    INTEGER
) STRICT;
CREATE INDEX request_of_device ON request (device, answered);
CREATE INDEX request_open ON request (received) WHERE ended IS NULL AND answered IS NULL;
";

/// Writes what events say of requests.
pub(super) struct Asking<'a> {
    opened: CachedStatement<'a>,
    closed: CachedStatement<'a>,
    noted: CachedStatement<'a>,
}

impl<'a> Asking<'a> {
    pub(super) fn new(conn: &'a Connection) -> Result<Self, StoreError> {
        let opened = conn.prepare_cached(
            "INSERT INTO request (id, device, person, told, journey, step, title, owner, sla, signed_name, asked, received,
                                  calendar)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
                     (SELECT max(version) FROM calendar WHERE since <= ?12))
             ON CONFLICT (id) DO UPDATE SET
                 signed_name = iif(told > excluded.told, signed_name, excluded.signed_name),
                 told = max(coalesce(told, 0), excluded.told),
                 journey = iif(received IS NULL, excluded.journey, journey),
                 step = iif(received IS NULL, excluded.step, step),
                 title = iif(received IS NULL, excluded.title, title),
                 owner = iif(received IS NULL, excluded.owner, owner),
                 sla = iif(received IS NULL, excluded.sla, sla),
                 asked = iif(received IS NULL, excluded.asked, asked),
                 calendar = iif(received IS NULL, excluded.calendar, calendar),
                 received = coalesce(received, excluded.received)
             WHERE device = excluded.device",
        )?;
        let closed = conn.prepare_cached(
            "INSERT INTO request (id, device, person, ending, ended) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET
                 ending = coalesce(ending, excluded.ending), ended = coalesce(ended, excluded.ended)
             WHERE device = excluded.device",
        )?;
        let noted = conn.prepare_cached(
            "INSERT OR IGNORE INTO request_news (request, happening, at)
             SELECT id, ?3, received FROM request WHERE id = ?1 AND device = ?2",
        )?;
        Ok(Self { opened, closed, noted })
    }

    pub(super) fn write(&mut self, accepted: &Accepted<'_>) -> Result<(), StoreError> {
        let Accepted { of: submission, event, at, .. } = accepted;
        let Some(Said { request, what }) = said_in(event.kind, &event.data) else { return Ok(()) };
        let (device, person) = (submission.device.0, submission.person.0);
        let received = submission.received;
        let time = (*at).min(received).as_millisecond();
        match what {
            What::Opened(Opened { journey, step, title, owner, sla, name }) => {
                self.opened.execute(params![
                    request.as_bytes(),
                    device,
                    person,
                    event.sequence,
                    journey.as_bytes(),
                    step.as_str(),
                    title,
                    owner,
                    sla,
                    name,
                    time,
                    received.as_millisecond(),
                ])?;
                // Nothing for whoever says something of another's request.
                self.noted.execute(params![request.as_bytes(), device, Happening::Opened.name()])?;
            }
            What::Closed(closing) => {
                self.closed.execute(params![request.as_bytes(), device, person, closing.name(), time])?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Requests for SqliteStore {
    async fn keep_calendar(&self, hours: &WorkingHours, now: Timestamp) -> Result<u32, StoreError> {
        let hours = hours.clone();
        Self::on(&self.writer, move |conn| keep_calendar(conn, &hours, now)).await
    }

    async fn calendars(&self) -> Result<BTreeMap<u32, WorkingHours>, StoreError> {
        Self::on(&self.reader, |conn| calendars(conn)).await
    }

    async fn requests(&self, which: Which) -> Result<Vec<Request>, StoreError> {
        Self::on(&self.reader, move |conn| match which {
            Which::Open => list(conn, "ended IS NULL AND answered IS NULL AND received > ?1", i64::MIN),
            Which::Since(since) => list(conn, "received >= ?1", since.as_millisecond()),
        })
        .await
    }

    async fn request(&self, id: Uuid) -> Result<Option<Request>, StoreError> {
        Self::on(&self.reader, move |conn| one(conn, id)).await
    }

    async fn answered_requests(&self, device: DeviceKey) -> Result<Vec<Request>, StoreError> {
        Self::on(&self.reader, move |conn| {
            let sql = format!(
                "SELECT {COLUMNS} FROM request WHERE device = ?1 AND answered IS NOT NULL
                 ORDER BY answered DESC, id LIMIT {MOST_ANSWERS}"
            );
            read_all(conn.prepare_cached(&sql)?.query([device.0])?)
        })
        .await
    }

    async fn answer_request(&self, by: &By, id: Uuid, answered: &Answered) -> Result<Answering, StoreError> {
        let (by, answered) = (by.clone(), answered.clone());
        Self::on(&self.writer, move |conn| answer(conn, &by, id, &answered)).await
    }

    async fn ask_again(&self) -> Result<Vec<Request>, StoreError> {
        let kinds = self.kinds.clone();
        Self::on(&self.reader, move |conn| ask_again(conn, &kinds)).await
    }
}

fn keep_calendar(conn: &mut Connection, hours: &WorkingHours, now: Timestamp) -> Result<u32, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let last = calendars(&transaction)?.pop_last();
    let version = match last {
        Some((version, last)) if last == *hours => return Ok(version),
        Some((version, _)) => version + 1,
        None => 1,
    };
    transaction.execute(
        "INSERT INTO calendar (version, zone, hours, holidays, since) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![version, hours.zone, hours.hours, hours.holidays, now.as_millisecond()],
    )?;
    transaction.commit()?;
    Ok(version)
}

fn calendars(conn: &Connection) -> Result<BTreeMap<u32, WorkingHours>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT version, zone, hours, holidays FROM calendar")?;
    let mut rows = statement.query([])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let hours = WorkingHours { zone: row.get(1)?, hours: row.get(2)?, holidays: row.get(3)? };
        found.insert(row.get(0)?, hours);
    }
    Ok(found)
}

const COLUMNS: &str = "id, device, person, journey, step, title, owner, sla, signed_name, asked, received, calendar, ending, \
                       ended, reply, words, answered_by, answered";

fn list(conn: &Connection, condition: &str, since: i64) -> Result<Vec<Request>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM request WHERE {condition} ORDER BY received, id");
    read_all(conn.prepare_cached(&sql)?.query([since])?)
}

pub(super) fn one(conn: &Connection, id: Uuid) -> Result<Option<Request>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM request WHERE id = ?1 AND received IS NOT NULL");
    Ok(read_all(conn.prepare_cached(&sql)?.query([id.as_bytes()])?)?.pop())
}

fn read_all(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Request>, StoreError> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Request, StoreError> {
    let id =
        |column: usize| -> Result<Uuid, StoreError> { Ok(Uuid::from_bytes(row.get::<_, [u8; 16]>(column)?)) };
    let ended = match (row.get::<_, Option<String>>(12)?, row.get::<_, Option<i64>>(13)?) {
        (Some(ending), Some(at)) => {
            Some((Closing::named(&ending).ok_or_else(|| damaged(&ending))?, instant(at)?))
        }
        _ => None,
    };
    Ok(Request {
        id: id(0)?,
        device: DeviceKey(row.get(1)?),
        person: PersonKey(row.get(2)?),
        journey: id(3)?,
        step: StepId::new(&row.get::<_, String>(4)?).map_err(|error| damaged(&error.to_string()))?,
        title: row.get(5)?,
        owner: row.get(6)?,
        sla: row.get(7)?,
        name: row.get(8)?,
        asked: instant(row.get(9)?)?,
        received: instant(row.get(10)?)?,
        calendar: row.get(11)?,
        ended,
        answered: answered(row, 14)?,
    })
}

/// From four columns, beginning with this one.
fn answered(row: &Row<'_>, first: usize) -> Result<Option<Answered>, StoreError> {
    let Some(reply) = row.get::<_, Option<String>>(first)? else { return Ok(None) };
    Ok(Some(Answered {
        reply: Reply::named(&reply).ok_or_else(|| damaged(&reply))?,
        words: row.get(first + 1)?,
        by: row.get(first + 2)?,
        at: instant(row.get(first + 3)?)?,
    }))
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("a request cannot be read: {what}"))
}

fn answer(conn: &mut Connection, by: &By, id: Uuid, answered: &Answered) -> Result<Answering, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(request) = one(&transaction, id)? else { return Ok(Answering::NoSuch) };
    if !request.is_open() {
        return Ok(Answering::Settled);
    }
    let Answered { reply, words, by: name, at } = answered;
    transaction.execute(
        "UPDATE request SET reply = ?2, words = ?3, answered_by = ?4, answered = ?5 WHERE id = ?1",
        params![id.as_bytes(), reply.name(), words, name, at.as_millisecond()],
    )?;
    webhooks::note(&transaction, id, Happening::Answered, at.as_millisecond())?;
    let act = Act::RequestAnswered { request: id, owner: request.owner.clone(), reply: *reply };
    audit::write(&transaction, by, &act)?;
    transaction.commit()?;
    Ok(Answering::Done(Box::new(Request { answered: Some(answered.clone()), ..request })))
}

fn ask_again(conn: &mut Connection, kinds: &Kinds) -> Result<Vec<Request>, StoreError> {
    // All of one moment.
    let conn = conn.transaction()?;
    let mut again = Again::default();
    let mut statement = conn.prepare(
        "SELECT event.kind, event.device, device.person, event.sequence, coalesce(event.happened, event.time),
                event.received, event.data
         FROM event JOIN device ON device.key = event.device WHERE event.kind IN (?1, ?2) ORDER BY event.rowid",
    )?;
    let wanted = [EventType::RequestOpened, EventType::RequestClosed].map(|kind| kinds.key(kind));
    let mut rows = statement.query(wanted)?;
    while let Some(row) = rows.next()? {
        let data: String = row.get(6)?;
        let Some(said) = said_in(kinds.kind(row.get(0)?)?, &data) else { continue };
        again.hear(Logged {
            device: DeviceKey(row.get(1)?),
            person: PersonKey(row.get(2)?),
            sequence: row.get(3)?,
            time: instant(row.get(4)?)?,
            received: instant(row.get(5)?)?,
            said,
        });
    }
    let mut since = BTreeMap::new();
    let mut statement = conn.prepare("SELECT version, since FROM calendar")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        since.insert(row.get(0)?, instant(row.get(1)?)?);
    }
    let mut answers = BTreeMap::new();
    let mut statement = conn
        .prepare("SELECT id, reply, words, answered_by, answered FROM request WHERE answered IS NOT NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = Uuid::from_bytes(row.get::<_, [u8; 16]>(0)?);
        answers.extend(answered(row, 1)?.map(|answered| (id, answered)));
    }
    Ok(again.done(&since, answers))
}
