//! What people were asked and said.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use firstlight_domain::{
    id::{QuestionId, SurveyId},
    survey::{About, Answer, Ending, Exposures},
};
use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{
    super::{
        DeviceKey, PersonKey, StoreError,
        columns::{Kinds, instant},
        retention::Horizon,
        settling::Accepted,
        surveys::{Again, Answered, Ended, Feedback, Heard, HowMuch, Sum, Surveys, said_in},
    },
    SqliteStore,
};
use crate::{
    ingest::survey::{Said, What},
    insights::Period,
    surveys,
};

pub(super) const SURVEYS: &str = "
-- When each person was last asked anything, and how likely they are to recommend it, on any of their devices.
CREATE TABLE survey_exposure (
    person INTEGER PRIMARY KEY NOT NULL,
    asked  INTEGER NOT NULL,
    nps    INTEGER
) STRICT;
-- What was said, in the order it arrived (`place`). A submission says each thing once.
CREATE TABLE survey_answer (
    place      INTEGER PRIMARY KEY NOT NULL,
    device     INTEGER NOT NULL,
    submission BLOB NOT NULL,
    person     INTEGER NOT NULL,
    received   INTEGER NOT NULL,
    survey     TEXT NOT NULL,
    question   TEXT NOT NULL,
    answer     TEXT NOT NULL,
    UNIQUE (device, submission, question)
) STRICT;
CREATE TABLE survey_ending (
    place      INTEGER PRIMARY KEY NOT NULL,
    device     INTEGER NOT NULL,
    submission BLOB NOT NULL,
    person     INTEGER NOT NULL,
    received   INTEGER NOT NULL,
    survey     TEXT NOT NULL,
    ending     TEXT NOT NULL,
    UNIQUE (device, submission)
) STRICT;
CREATE TABLE feedback (
    place       INTEGER PRIMARY KEY NOT NULL,
    device      INTEGER NOT NULL,
    submission  BLOB NOT NULL,
    person      INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    comment     TEXT NOT NULL,
    signed_name TEXT,
    UNIQUE (device, submission)
) STRICT;
";

/// What feedback is about.
pub(super) const ABOUT: &str = "ALTER TABLE feedback ADD COLUMN about TEXT";

/// Writes what events say of surveys.
pub(super) struct Hearing<'a> {
    shown: CachedStatement<'a>,
    answered: CachedStatement<'a>,
    ended: CachedStatement<'a>,
    feedback: CachedStatement<'a>,
}

impl<'a> Hearing<'a> {
    pub(super) fn new(conn: &'a Connection) -> Result<Self, StoreError> {
        let shown = conn.prepare_cached(
            "INSERT INTO survey_exposure (person, asked, nps) VALUES (?1, ?2, ?3)
             ON CONFLICT (person) DO UPDATE SET
                 asked = max(asked, ?2), nps = max(coalesce(nps, ?3), coalesce(?3, nps))",
        )?;
        let answered = conn.prepare_cached(
            "INSERT INTO survey_answer (device, submission, person, received, survey, question, answer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        )?;
        let ended = conn.prepare_cached(
            "INSERT INTO survey_ending (device, submission, person, received, survey, ending)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )?;
        let feedback = conn.prepare_cached(
            "INSERT INTO feedback (device, submission, person, received, comment, signed_name, about)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        )?;
        Ok(Self { shown, answered, ended, feedback })
    }

    pub(super) fn write(&mut self, accepted: &Accepted<'_>) -> Result<(), StoreError> {
        let Accepted { of: submission, event, at, .. } = accepted;
        let Some(Said { submission: id, what }) = said_in(event.kind, &event.data) else { return Ok(()) };
        let (device, person) = (submission.device.0, submission.person.0);
        let (id, received) = (id.as_bytes(), submission.received.as_millisecond());
        match what {
            What::Shown { asks_nps } => {
                let time = at.as_millisecond();
                self.shown.execute(params![person, time, asks_nps.then_some(time)])?;
            }
            What::Answered { survey, question, answer } => {
                let answer = serde_json::to_string(&answer).map_err(|error| damaged(&error))?;
                let (survey, question) = (survey.as_str(), question.as_str());
                self.answered.execute(params![device, id, person, received, survey, question, answer])?;
            }
            What::Ended { survey, ending } => {
                self.ended.execute(params![device, id, person, received, survey.as_str(), ending.name()])?;
            }
            What::Feedback { text, name, about } => {
                let about = about.as_ref().map(serde_json::to_string).transpose();
                let about = about.map_err(|error| damaged(&error))?;
                self.feedback.execute(params![device, id, person, received, text, name, about])?;
            }
        }
        Ok(())
    }
}

fn damaged(error: &dyn std::error::Error) -> StoreError {
    StoreError::Damaged(format!("what was said in a survey cannot be read: {error}"))
}

#[async_trait]
impl Surveys for SqliteStore {
    async fn exposures(&self, person: PersonKey) -> Result<Exposures, StoreError> {
        Self::on(&self.reader, move |conn| exposures(conn, person)).await
    }

    async fn heard(&self, from: Timestamp, to: Timestamp) -> Result<Heard, StoreError> {
        Self::on(&self.reader, move |conn| Ok(heard(&*conn.transaction()?, from, to)?.0)).await
    }

    async fn how_much(&self, from: Timestamp, to: Timestamp) -> Result<HowMuch, StoreError> {
        Self::on(&self.reader, move |conn| how_much(conn, from, to)).await
    }

    async fn hear_again(&self) -> Result<(Heard, BTreeMap<PersonKey, Exposures>), StoreError> {
        let kinds = self.kinds.clone();
        Self::on(&self.reader, move |conn| hear_again(conn, &kinds)).await
    }
}

fn exposures(conn: &Connection, person: PersonKey) -> Result<Exposures, StoreError> {
    let row: Option<(i64, Option<i64>)> = conn
        .prepare_cached("SELECT asked, nps FROM survey_exposure WHERE person = ?1")?
        .query_row([person.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((asked, nps)) = row else { return Ok(Exposures::default()) };
    Ok(Exposures { any: Some(instant(asked)?), nps: nps.map(instant).transpose()? })
}

/// The rows that something heard is from, in its order.
#[derive(Default)]
struct Places {
    answers: Vec<i64>,
    endings: Vec<i64>,
    feedback: Vec<i64>,
}

/// All of one transaction.
fn heard(conn: &Connection, from: Timestamp, to: Timestamp) -> Result<(Heard, Places), StoreError> {
    let between = [from.as_millisecond(), to.as_millisecond()];
    let mut heard = Heard::default();
    let mut places = Places::default();
    let mut statement = conn.prepare_cached(
        "SELECT person, survey, question, answer, settled, place FROM survey_answer
         WHERE received >= ?1 AND received < ?2 ORDER BY place",
    )?;
    let mut rows = statement.query(between)?;
    while let Some(row) = rows.next()? {
        let (survey, question, answer): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let answer: Answer = serde_json::from_str(&answer).map_err(|error| damaged(&error))?;
        let question = QuestionId::new(&question).map_err(|error| damaged(&error))?;
        if row.get(4)? {
            heard.settled.answers.insert(places.answers.len());
        }
        places.answers.push(row.get(5)?);
        heard.answers.push(Answered {
            person: PersonKey(row.get(0)?),
            survey: survey_id(&survey)?,
            question,
            answer,
        });
    }
    let mut statement = conn.prepare_cached(
        "SELECT person, survey, ending, settled, place FROM survey_ending
         WHERE received >= ?1 AND received < ?2 ORDER BY place",
    )?;
    let mut rows = statement.query(between)?;
    while let Some(row) = rows.next()? {
        let (survey, ending): (String, String) = (row.get(1)?, row.get(2)?);
        let ending = Ending::named(&ending)
            .ok_or_else(|| StoreError::Damaged(format!("no survey ends with `{ending}`")))?;
        if row.get(3)? {
            heard.settled.endings.insert(places.endings.len());
        }
        places.endings.push(row.get(4)?);
        heard.endings.push(Ended { person: PersonKey(row.get(0)?), survey: survey_id(&survey)?, ending });
    }
    let mut statement = conn.prepare_cached(
        "SELECT person, comment, signed_name, settled, place, about FROM feedback
         WHERE received >= ?1 AND received < ?2 ORDER BY place",
    )?;
    let mut rows = statement.query(between)?;
    while let Some(row) = rows.next()? {
        let (text, name) = (row.get(1)?, row.get(2)?);
        if row.get(3)? {
            heard.settled.feedback.insert(places.feedback.len());
        }
        places.feedback.push(row.get(4)?);
        let about: Option<String> = row.get(5)?;
        let about = about.map(|about| serde_json::from_str::<About>(&about)).transpose();
        let about = about.map_err(|error| damaged(&error))?;
        heard.feedback.push(Feedback { person: PersonKey(row.get(0)?), text, name, about });
    }
    let mut statement = conn.prepare_cached(
        "SELECT survey, question, kind, answer, sum(n) FROM survey_sum
         WHERE quarter >= ?1 AND quarter < ?2 GROUP BY survey, question, kind, answer",
    )?;
    let mut rows = statement.query(between)?;
    while let Some(row) = rows.next()? {
        let sum = Sum { survey: row.get(0)?, question: row.get(1)?, kind: row.get(2)?, answer: row.get(3)? };
        heard.settled.sums.insert(sum, row.get(4)?);
    }
    Ok((heard, places))
}

/// The tables of what people said.
const SAID: [&str; 3] = ["survey_answer", "survey_ending", "feedback"];

/// Forgets what was said in quarters that are too old, but for the numbers that were let out, and when people were asked.
pub(super) fn forget_until(
    conn: &mut Connection,
    horizon: Horizon,
    zone: &TimeZone,
) -> Result<u64, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let until = horizon.quarter.as_millisecond();
    let mut quarters = BTreeSet::new();
    for table in SAID {
        let mut statement =
            transaction.prepare(&format!("SELECT DISTINCT received FROM {table} WHERE received < ?1"))?;
        let mut rows = statement.query([until])?;
        while let Some(row) = rows.next()? {
            quarters.insert(Period::quarter_of(zone.to_datetime(instant(row.get(0)?)?).date()));
        }
    }
    for quarter in quarters {
        settle(&transaction, quarter, zone, |_| true)?;
    }
    let mut gone = 0;
    for table in SAID {
        gone += transaction.execute(&format!("DELETE FROM {table} WHERE received < ?1"), [until])? as u64;
    }
    let before = horizon.time.as_millisecond();
    transaction.execute("DELETE FROM survey_exposure WHERE asked < ?1", [before])?;
    transaction.execute("UPDATE survey_exposure SET nps = NULL WHERE nps < ?1", [before])?;
    transaction.commit()?;
    Ok(gone)
}

/// Settles what was let out together with what some people said; they are about to go.
pub(super) fn settle_for(
    transaction: &Transaction<'_>,
    people: &BTreeSet<i64>,
    zone: &TimeZone,
) -> Result<(), StoreError> {
    let mut quarters = BTreeSet::new();
    for table in SAID {
        let sql = format!("SELECT DISTINCT received FROM {table} WHERE person = ?1");
        let mut statement = transaction.prepare(&sql)?;
        for person in people {
            let mut rows = statement.query([person])?;
            while let Some(row) = rows.next()? {
                quarters.insert(Period::quarter_of(zone.to_datetime(instant(row.get(0)?)?).date()));
            }
        }
    }
    for quarter in quarters {
        settle(transaction, quarter, zone, |person| people.contains(&person.0.into()))?;
    }
    Ok(())
}

/// Settles the batches of a quarter in which somebody goes.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    quarter: Period,
    zone: &TimeZone,
    goes: impl Fn(PersonKey) -> bool,
) -> Result<(), StoreError> {
    let Some((from, to)) = quarter.bounds(zone) else { return Ok(()) };
    let (heard, places) = heard(transaction, from, to)?;
    let settled = surveys::settle(&heard, goes);
    for (table, of, places) in [
        ("survey_answer", &settled.answers, &places.answers),
        ("survey_ending", &settled.endings, &places.endings),
        ("feedback", &settled.feedback, &places.feedback),
    ] {
        let mut statement =
            transaction.prepare_cached(&format!("UPDATE {table} SET settled = 1 WHERE place = ?1"))?;
        for place in of.iter().filter_map(|index| places.get(*index)) {
            statement.execute([place])?;
        }
    }
    let mut statement = transaction.prepare_cached(
        "INSERT INTO survey_sum (quarter, survey, question, kind, answer, n) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET n = n + excluded.n",
    )?;
    for (Sum { survey, question, kind, answer }, n) in settled.sums {
        statement.execute(params![from.as_millisecond(), survey, question, kind, answer, n])?;
    }
    Ok(())
}

fn how_much(conn: &mut Connection, from: Timestamp, to: Timestamp) -> Result<HowMuch, StoreError> {
    // All of one moment.
    let conn = conn.transaction()?;
    let of = |table: &str| {
        let sql = format!(
            "SELECT count(*), coalesce(max(place), 0) FROM {table} WHERE received >= ?1 AND received < ?2"
        );
        let between = [from.as_millisecond(), to.as_millisecond()];
        conn.prepare_cached(&sql)?.query_row(between, |row| Ok((row.get(0)?, row.get(1)?)))
    };
    Ok(HowMuch { answers: of("survey_answer")?, endings: of("survey_ending")? })
}

fn survey_id(text: &str) -> Result<SurveyId, StoreError> {
    SurveyId::new(text).map_err(|error| damaged(&error))
}

fn hear_again(
    conn: &Connection,
    kinds: &Kinds,
) -> Result<(Heard, BTreeMap<PersonKey, Exposures>), StoreError> {
    let mut statement = conn.prepare(
        "SELECT event.kind, coalesce(event.happened, event.time), event.data, device.person, event.device
         FROM event JOIN device ON device.key = event.device ORDER BY event.rowid",
    )?;
    let mut again = Again::default();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let data: String = row.get(2)?;
        if let Some(said) = said_in(kinds.kind(row.get(0)?)?, &data) {
            let (device, person) = (DeviceKey(row.get(4)?), PersonKey(row.get(3)?));
            again.hear(device, person, instant(row.get(1)?)?, said);
        }
    }
    Ok(again.done())
}
