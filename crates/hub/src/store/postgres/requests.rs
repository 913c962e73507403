//! What others are asked for, and what they answered.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use firstlight_domain::{
    id::StepId,
    registry::EventType,
    request::{Answered, Closing, Reply},
};
use jiff::Timestamp;
use tokio_postgres::{GenericClient, IsolationLevel, Row};
use uuid::Uuid;

use super::{
    super::{
        DeviceKey, PersonKey, StoreError,
        columns::instant,
        requests::{Again, Answering, Logged, MOST_ANSWERS, Request, Requests, Which, said_in},
        settling::Accepted,
    },
    PostgresStore, admission, audit,
    log::Failure,
    number, webhooks,
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
    version  integer PRIMARY KEY,
    zone     text NOT NULL,
    hours    text NOT NULL,
    holidays text NOT NULL,
    since    bigint NOT NULL
);
-- What somebody was asked for; without `received`, only its end has arrived so far. `told` is the sequence that said the name.
CREATE TABLE request (
    id          uuid PRIMARY KEY,
    device      bigint NOT NULL,
    person      integer NOT NULL,
    told        bigint,
    journey     uuid,
    step        text,
    title       text,
    owner       text,
    sla         text,
    signed_name text,
    asked       bigint,
    received    bigint,
    calendar    integer,
    ending      text,
    ended       bigint,
    reply       text,
    words       text,
    answered_by text,
    answered    bigint
);
CREATE INDEX request_of_device ON request (device, answered);
CREATE INDEX request_open ON request (received) WHERE ended IS NULL AND answered IS NULL;
";

/// Writes what events say of requests. They are few, so each goes by itself; the marks of their devices are locked, so each
/// request has one writer here, and whoever answers at the same time waits for it.
pub(super) async fn write(transaction: &Transaction<'_>, accepted: &[Accepted<'_>]) -> Result<(), Failure> {
    // In the order of requests: two hubs that write at once never wait for each other.
    let mut said: Vec<(&Accepted<'_>, Said)> =
        accepted.iter().filter_map(|one| Some((one, said_in(one.event.kind, &one.event.data)?))).collect();
    said.sort_by_key(|(_, said)| said.request);
    for (Accepted { of, event, at, .. }, Said { request, what }) in said {
        let person = i32::try_from(of.person.0).map_err(|_| damaged("its person"))?;
        let received = of.received.as_millisecond();
        let time = (*at).min(of.received).as_millisecond();
        match what {
            What::Opened(Opened { journey, step, title, owner, sla, name }) => {
                let told = i64::try_from(event.sequence).map_err(|_| damaged("its sequence"))?;
                let sql = "INSERT INTO request (id, device, person, told, journey, step, title, owner, sla, signed_name,
                                                asked, received, calendar)
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                                   (SELECT max(version) FROM calendar WHERE since <= $12))
                           ON CONFLICT (id) DO UPDATE SET
                               signed_name = CASE WHEN request.told > excluded.told THEN request.signed_name
                                                  ELSE excluded.signed_name END,
                               told = greatest(request.told, excluded.told),
                               journey = coalesce(request.journey, excluded.journey),
                               step = coalesce(request.step, excluded.step),
                               title = coalesce(request.title, excluded.title),
                               owner = coalesce(request.owner, excluded.owner),
                               sla = CASE WHEN request.received IS NULL THEN excluded.sla ELSE request.sla END,
                               asked = coalesce(request.asked, excluded.asked),
                               calendar = CASE WHEN request.received IS NULL THEN excluded.calendar
                                               ELSE request.calendar END,
                               received = coalesce(request.received, excluded.received)
                           WHERE request.device = excluded.device";
                let statement = transaction.prepare_cached(sql).await?;
                let device = of.device.0;
                let step = step.as_str();
                transaction
                    .execute(
                        &statement,
                        &[
                            &request, &device, &person, &told, &journey, &step, &title, &owner, &sla, &name,
                            &time, &received,
                        ],
                    )
                    .await?;
                // Nothing for whoever says something of another's request.
                let noted = "INSERT INTO request_news (request, happening, at)
                             SELECT id, $3, received FROM request WHERE id = $1 AND device = $2 ON CONFLICT DO NOTHING";
                let statement = transaction.prepare_cached(noted).await?;
                transaction.execute(&statement, &[&request, &device, &Happening::Opened.name()]).await?;
            }
            What::Closed(closing) => {
                let sql =
                    "INSERT INTO request (id, device, person, ending, ended) VALUES ($1, $2, $3, $4, $5)
                           ON CONFLICT (id) DO UPDATE SET
                               ending = coalesce(request.ending, excluded.ending),
                               ended = coalesce(request.ended, excluded.ended)
                           WHERE request.device = excluded.device";
                let statement = transaction.prepare_cached(sql).await?;
                let ending = closing.name();
                transaction.execute(&statement, &[&request, &of.device.0, &person, &ending, &time]).await?;
            }
        }
    }
    Ok(())
}

#[async_trait]
impl Requests for PostgresStore {
    async fn keep_calendar(&self, hours: &WorkingHours, now: Timestamp) -> Result<u32, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        // Hubs that start at once with the same hours make one version.
        transaction.batch_execute("LOCK TABLE calendar IN SHARE ROW EXCLUSIVE MODE").await?;
        let last = calendars(&*transaction).await?.pop_last();
        let version = match last {
            Some((version, last)) if last == *hours => return Ok(version),
            Some((version, _)) => version + 1,
            None => 1,
        };
        let kept = "INSERT INTO calendar (version, zone, hours, holidays, since) VALUES ($1, $2, $3, $4, $5)";
        let written = i32::try_from(version).map_err(|_| damaged("its calendar"))?;
        transaction
            .execute(kept, &[&written, &hours.zone, &hours.hours, &hours.holidays, &now.as_millisecond()])
            .await?;
        transaction.commit().await?;
        Ok(version)
    }

    async fn calendars(&self) -> Result<BTreeMap<u32, WorkingHours>, StoreError> {
        calendars(&**self.client().await?).await
    }

    async fn requests(&self, which: Which) -> Result<Vec<Request>, StoreError> {
        let (condition, since) = match which {
            Which::Open => ("ended IS NULL AND answered IS NULL AND received > $1", i64::MIN),
            Which::Since(since) => ("received >= $1", since.as_millisecond()),
        };
        let sql = format!("SELECT {COLUMNS} FROM request WHERE {condition} ORDER BY received, id");
        self.client().await?.query(&sql, &[&since]).await?.iter().map(read).collect()
    }

    async fn request(&self, id: Uuid) -> Result<Option<Request>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM request WHERE id = $1 AND received IS NOT NULL");
        self.client().await?.query_opt(&sql, &[&id]).await?.as_ref().map(read).transpose()
    }

    async fn answered_requests(&self, device: DeviceKey) -> Result<Vec<Request>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM request WHERE device = $1 AND received IS NOT NULL AND answered IS NOT NULL
             ORDER BY answered DESC, id LIMIT {MOST_ANSWERS}"
        );
        self.client().await?.query(&sql, &[&device.0]).await?.iter().map(read).collect()
    }

    async fn answer_request(&self, by: &By, id: Uuid, answered: &Answered) -> Result<Answering, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let locked =
            format!("SELECT {COLUMNS} FROM request WHERE id = $1 AND received IS NOT NULL FOR UPDATE");
        let Some(request) = transaction.query_opt(&locked, &[&id]).await?.as_ref().map(read).transpose()?
        else {
            return Ok(Answering::NoSuch);
        };
        if !request.is_open() {
            return Ok(Answering::Settled);
        }
        let Answered { reply, words, by: name, at } = answered;
        let written =
            "UPDATE request SET reply = $2, words = $3, answered_by = $4, answered = $5 WHERE id = $1";
        transaction.execute(written, &[&id, &reply.name(), words, name, &at.as_millisecond()]).await?;
        webhooks::note(&*transaction, &[id], Happening::Answered, at.as_millisecond()).await?;
        let act = Act::RequestAnswered { request: id, owner: request.owner.clone(), reply: *reply };
        audit::write(&transaction, by, &act).await?;
        transaction.commit().await?;
        Ok(Answering::Done(Box::new(Request { answered: Some(answered.clone()), ..request })))
    }

    async fn ask_again(&self) -> Result<Vec<Request>, StoreError> {
        let mut client = self.client().await?;
        // All of one moment.
        let transaction =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let transaction = transaction.start().await?;
        let mut again = Again::default();
        let log = "SELECT event.kind, event.device, device.person, event.sequence, coalesce(event.happened, event.time),
                          event.received, event.data
                   FROM event JOIN device ON device.key = event.device WHERE event.kind IN ($1, $2) ORDER BY event.key";
        let [opened, closed] =
            [EventType::RequestOpened, EventType::RequestClosed].map(|kind| self.kinds.key(kind));
        for row in transaction.query(log, &[&opened, &closed]).await? {
            let Some(said) = said_in(self.kinds.kind(row.try_get(0)?)?, row.try_get(6)?) else { continue };
            again.hear(Logged {
                device: DeviceKey(row.try_get(1)?),
                person: admission::person(row.try_get(2)?)?,
                sequence: number(row.try_get(3)?)?,
                time: instant(row.try_get(4)?)?,
                received: instant(row.try_get(5)?)?,
                said,
            });
        }
        let mut since = BTreeMap::new();
        for row in transaction.query("SELECT version, since FROM calendar", &[]).await? {
            since.insert(version(row.try_get(0)?)?, instant(row.try_get(1)?)?);
        }
        let mut answers = BTreeMap::new();
        let said = "SELECT id, reply, words, answered_by, answered FROM request WHERE answered IS NOT NULL";
        for row in transaction.query(said, &[]).await? {
            answers.extend(self::answered(&row, 1)?.map(|answered| (row.get(0), answered)));
        }
        Ok(again.done(&since, answers))
    }
}

async fn calendars(client: &impl GenericClient) -> Result<BTreeMap<u32, WorkingHours>, StoreError> {
    let mut found = BTreeMap::new();
    for row in client.query("SELECT version, zone, hours, holidays FROM calendar", &[]).await? {
        let hours = WorkingHours { zone: row.try_get(1)?, hours: row.try_get(2)?, holidays: row.try_get(3)? };
        found.insert(version(row.try_get(0)?)?, hours);
    }
    Ok(found)
}

/// As [`read`] reads them.
pub(super) const COLUMNS: &str = "request.id, request.device, request.person, request.journey, request.step, request.title, \
     request.owner, request.sla, request.signed_name, request.asked, request.received, request.calendar, request.ending, \
     request.ended, request.reply, request.words, request.answered_by, request.answered";
/// How many they are.
pub(super) const WIDTH: usize = 18;

pub(super) fn read(row: &Row) -> Result<Request, StoreError> {
    let ended = match (row.try_get::<_, Option<&str>>(12)?, row.try_get::<_, Option<i64>>(13)?) {
        (Some(ending), Some(at)) => {
            Some((Closing::named(ending).ok_or_else(|| damaged(ending))?, instant(at)?))
        }
        _ => None,
    };
    let person: PersonKey = admission::person(row.try_get(2)?)?;
    Ok(Request {
        id: row.try_get(0)?,
        device: DeviceKey(row.try_get(1)?),
        person,
        journey: row.try_get(3)?,
        step: StepId::new(row.try_get(4)?).map_err(|error| damaged(&error.to_string()))?,
        title: row.try_get(5)?,
        owner: row.try_get(6)?,
        sla: row.try_get(7)?,
        name: row.try_get(8)?,
        asked: instant(row.try_get(9)?)?,
        received: instant(row.try_get(10)?)?,
        calendar: row.try_get::<_, Option<i32>>(11)?.map(version).transpose()?,
        ended,
        answered: answered(row, 14)?,
    })
}

/// From four columns, beginning with this one.
fn answered(row: &Row, first: usize) -> Result<Option<Answered>, StoreError> {
    let Some(reply) = row.try_get::<_, Option<&str>>(first)? else { return Ok(None) };
    Ok(Some(Answered {
        reply: Reply::named(reply).ok_or_else(|| damaged(reply))?,
        words: row.try_get(first + 1)?,
        by: row.try_get(first + 2)?,
        at: instant(row.try_get(first + 3)?)?,
    }))
}

fn version(number: i32) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| damaged("its calendar"))
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("a request cannot be read: {what}"))
}
