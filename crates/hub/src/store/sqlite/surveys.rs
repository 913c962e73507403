//! What people were asked and said.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::{
    id::{QuestionId, SurveyId},
    survey::{Answer, Ending, Exposures},
};
use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::{
    super::{
        DeviceKey, PersonKey, StoreError, Submission,
        columns::{Kinds, instant},
        surveys::{Again, Answered, Ended, Feedback, Heard, HowMuch, Surveys, said_in},
    },
    SqliteStore,
};
use crate::ingest::{
    Event,
    survey::{Said, What},
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
            "INSERT INTO feedback (device, submission, person, received, comment, signed_name)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )?;
        Ok(Self { shown, answered, ended, feedback })
    }

    pub(super) fn write(&mut self, submission: &Submission, event: &Event) -> Result<(), StoreError> {
        let Some(Said { submission: id, what }) = said_in(event.kind, &event.data) else { return Ok(()) };
        let (device, person) = (submission.device.0, submission.person.0);
        let (id, received) = (id.as_bytes(), submission.received.as_millisecond());
        match what {
            What::Shown { asks_nps } => {
                let time = event.time.as_millisecond();
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
            What::Feedback { text, name } => {
                self.feedback.execute(params![device, id, person, received, text, name])?;
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
        Self::on(&self.reader, move |conn| heard(conn, from, to)).await
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

fn heard(conn: &mut Connection, from: Timestamp, to: Timestamp) -> Result<Heard, StoreError> {
    // All of one moment.
    let conn = conn.transaction()?;
    let between = [from.as_millisecond(), to.as_millisecond()];
    let mut heard = Heard::default();
    let mut statement = conn.prepare_cached(
        "SELECT person, survey, question, answer FROM survey_answer
         WHERE received >= ?1 AND received < ?2 ORDER BY place",
    )?;
    let mut rows = statement.query(between)?;
    while let Some(row) = rows.next()? {
        let (survey, question, answer): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let answer: Answer = serde_json::from_str(&answer).map_err(|error| damaged(&error))?;
        let question = QuestionId::new(&question).map_err(|error| damaged(&error))?;
        heard.answers.push(Answered {
            person: PersonKey(row.get(0)?),
            survey: survey_id(&survey)?,
            question,
            answer,
        });
    }
    let mut statement = conn.prepare_cached(
        "SELECT person, survey, ending FROM survey_ending
         WHERE received >= ?1 AND received < ?2 ORDER BY place",
    )?;
    let mut rows = statement.query(between)?;
    while let Some(row) = rows.next()? {
        let (survey, ending): (String, String) = (row.get(1)?, row.get(2)?);
        let ending = Ending::named(&ending)
            .ok_or_else(|| StoreError::Damaged(format!("no survey ends with `{ending}`")))?;
        heard.endings.push(Ended { person: PersonKey(row.get(0)?), survey: survey_id(&survey)?, ending });
    }
    let mut statement = conn.prepare_cached(
        "SELECT person, comment, signed_name FROM feedback
         WHERE received >= ?1 AND received < ?2 ORDER BY place",
    )?;
    let mut rows = statement.query(between)?;
    while let Some(row) = rows.next()? {
        let (text, name) = (row.get(1)?, row.get(2)?);
        heard.feedback.push(Feedback { person: PersonKey(row.get(0)?), text, name });
    }
    Ok(heard)
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
        "SELECT event.kind, event.time, event.data, device.person, event.device
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
