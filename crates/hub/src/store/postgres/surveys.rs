//! What people were asked and said.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use firstlight_domain::{
    id::{QuestionId, SurveyId},
    survey::{About, Answer, Ending, Exposures},
};
use jiff::{Timestamp, tz::TimeZone};
use tokio_postgres::IsolationLevel;

use super::{
    super::{
        PersonKey, StoreError,
        columns::instant,
        retention::Horizon,
        settling::Accepted,
        surveys::{Again, Answered, Ended, Feedback, Heard, HowMuch, Sum, Surveys, said_in},
    },
    PostgresStore, admission, counts,
    log::Failure,
};
use crate::{
    ingest::survey::{Said, What},
    insights::Period,
    surveys,
};

pub(super) const SURVEYS: &str = "
-- When each person was last asked anything, and how likely they are to recommend it, on any of their devices.
CREATE TABLE survey_exposure (
    person integer PRIMARY KEY,
    asked  bigint NOT NULL,
    nps    bigint
);
-- What was said, in the order it arrived (`place`). A submission says each thing once.
CREATE TABLE survey_answer (
    place      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device     bigint NOT NULL,
    submission uuid NOT NULL,
    person     integer NOT NULL,
    received   bigint NOT NULL,
    survey     text NOT NULL,
    question   text NOT NULL,
    answer     text NOT NULL,
    UNIQUE (device, submission, question)
);
CREATE TABLE survey_ending (
    place      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device     bigint NOT NULL,
    submission uuid NOT NULL,
    person     integer NOT NULL,
    received   bigint NOT NULL,
    survey     text NOT NULL,
    ending     text NOT NULL,
    UNIQUE (device, submission)
);
CREATE TABLE feedback (
    place       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device      bigint NOT NULL,
    submission  uuid NOT NULL,
    person      integer NOT NULL,
    received    bigint NOT NULL,
    comment     text NOT NULL,
    signed_name text,
    UNIQUE (device, submission)
);
";

/// What feedback is about.
pub(super) const ABOUT: &str = "ALTER TABLE feedback ADD COLUMN about text";

/// Writes what events say of surveys. They are few, so each goes by itself; exposures come last, in the order of people, because
/// two machines of one person may tell at once.
pub(super) async fn write(transaction: &Transaction<'_>, accepted: &[Accepted<'_>]) -> Result<(), Failure> {
    let mut exposures: BTreeMap<PersonKey, Exposures> = BTreeMap::new();
    for Accepted { of, event, at, .. } in accepted {
        let Some(Said { submission, what }) = said_in(event.kind, &event.data) else { continue };
        let (device, received) = (of.device.0, of.received.as_millisecond());
        let person = number(of.person)?;
        match what {
            What::Shown { asks_nps } => {
                let known = exposures.entry(of.person).or_default();
                *known = known.merged(Exposures::shown(*at, asks_nps));
            }
            What::Answered { survey, question, answer } => {
                let answer = serde_json::to_string(&answer).map_err(|error| damaged(&error))?;
                let sql = "INSERT INTO survey_answer (device, submission, person, received, survey, question, answer)
                           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
                let statement = transaction.prepare_cached(sql).await?;
                let (survey, question) = (survey.as_str(), question.as_str());
                transaction
                    .execute(
                        &statement,
                        &[&device, &submission, &person, &received, &survey, &question, &answer],
                    )
                    .await?;
            }
            What::Ended { survey, ending } => {
                let sql = "INSERT INTO survey_ending (device, submission, person, received, survey, ending)
                           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
                let statement = transaction.prepare_cached(sql).await?;
                let (survey, ending) = (survey.as_str(), ending.name());
                transaction
                    .execute(&statement, &[&device, &submission, &person, &received, &survey, &ending])
                    .await?;
            }
            What::Feedback { text, name, about } => {
                let about = about.as_ref().map(serde_json::to_string).transpose();
                let about = about.map_err(|error| damaged(&error))?;
                let sql =
                    "INSERT INTO feedback (device, submission, person, received, comment, signed_name, about)
                           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
                let statement = transaction.prepare_cached(sql).await?;
                transaction
                    .execute(&statement, &[&device, &submission, &person, &received, &text, &name, &about])
                    .await?;
            }
        }
    }
    for (person, Exposures { any, nps }) in exposures {
        // `greatest` passes over what is null.
        let sql = "INSERT INTO survey_exposure (person, asked, nps) VALUES ($1, $2, $3)
                   ON CONFLICT (person) DO UPDATE SET asked = greatest(survey_exposure.asked, excluded.asked),
                                                      nps = greatest(survey_exposure.nps, excluded.nps)";
        let Some(asked) = any.map(Timestamp::as_millisecond) else { continue };
        let nps = nps.map(Timestamp::as_millisecond);
        transaction.execute(sql, &[&number(person)?, &asked, &nps]).await?;
    }
    Ok(())
}

#[async_trait]
impl Surveys for PostgresStore {
    async fn exposures(&self, person: PersonKey) -> Result<Exposures, StoreError> {
        let sql = "SELECT asked, nps FROM survey_exposure WHERE person = $1";
        let row = self.client().await?.query_opt(sql, &[&number(person)?]).await?;
        let Some(row) = row else { return Ok(Exposures::default()) };
        let nps: Option<i64> = row.try_get(1)?;
        Ok(Exposures { any: Some(instant(row.try_get(0)?)?), nps: nps.map(instant).transpose()? })
    }

    async fn heard(&self, from: Timestamp, to: Timestamp) -> Result<Heard, StoreError> {
        let mut client = self.client().await?;
        // All of one moment.
        let transaction =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        Ok(heard(&transaction.start().await?, from, to).await?.0)
    }

    async fn how_much(&self, from: Timestamp, to: Timestamp) -> Result<HowMuch, StoreError> {
        let sql = "SELECT * FROM (SELECT count(*), coalesce(max(place), 0) FROM survey_answer
                                  WHERE received >= $1 AND received < $2) AS answers,
                                 (SELECT count(*), coalesce(max(place), 0) FROM survey_ending
                                  WHERE received >= $1 AND received < $2) AS endings";
        let client = self.client().await?;
        let sql = client.prepare_cached(sql).await?;
        let row = client.query_one(&sql, &[&from.as_millisecond(), &to.as_millisecond()]).await?;
        Ok(HowMuch {
            answers: (row.try_get(0)?, row.try_get(1)?),
            endings: (row.try_get(2)?, row.try_get(3)?),
        })
    }

    async fn hear_again(&self) -> Result<(Heard, BTreeMap<PersonKey, Exposures>), StoreError> {
        let mut again = Again::default();
        let client = self.client().await?;
        counts::each(&**client, &self.kinds, |logged, _| {
            if let Some(said) = said_in(logged.kind, logged.data) {
                again.hear(logged.device, logged.person, logged.time, said);
            }
            Ok(())
        })
        .await?;
        Ok(again.done())
    }
}

/// The rows that something heard is from, in its order.
#[derive(Default)]
struct Places {
    answers: Vec<i64>,
    endings: Vec<i64>,
    feedback: Vec<i64>,
}

async fn heard(
    transaction: &Transaction<'_>,
    from: Timestamp,
    to: Timestamp,
) -> Result<(Heard, Places), StoreError> {
    let (from, to) = (from.as_millisecond(), to.as_millisecond());
    let mut heard = Heard::default();
    let mut places = Places::default();
    let answers = "SELECT person, survey, question, answer, settled, place FROM survey_answer
                   WHERE received >= $1 AND received < $2 ORDER BY place";
    for row in transaction.query(answers, &[&from, &to]).await? {
        if row.try_get(4)? {
            heard.settled.answers.insert(places.answers.len());
        }
        places.answers.push(row.try_get(5)?);
        heard.answers.push(Answered {
            person: admission::person(row.try_get(0)?)?,
            survey: survey_id(row.try_get(1)?)?,
            question: QuestionId::new(row.try_get::<_, &str>(2)?).map_err(|error| damaged(&error))?,
            answer: serde_json::from_str::<Answer>(row.try_get(3)?).map_err(|error| damaged(&error))?,
        });
    }
    let endings = "SELECT person, survey, ending, settled, place FROM survey_ending
                   WHERE received >= $1 AND received < $2 ORDER BY place";
    for row in transaction.query(endings, &[&from, &to]).await? {
        if row.try_get(3)? {
            heard.settled.endings.insert(places.endings.len());
        }
        places.endings.push(row.try_get(4)?);
        let ending: &str = row.try_get(2)?;
        let ending = Ending::named(ending)
            .ok_or_else(|| StoreError::Damaged(format!("no survey ends with `{ending}`")))?;
        let person = admission::person(row.try_get(0)?)?;
        heard.endings.push(Ended { person, survey: survey_id(row.try_get(1)?)?, ending });
    }
    let feedback = "SELECT person, comment, signed_name, settled, place, about FROM feedback
                    WHERE received >= $1 AND received < $2 ORDER BY place";
    for row in transaction.query(feedback, &[&from, &to]).await? {
        if row.try_get(3)? {
            heard.settled.feedback.insert(places.feedback.len());
        }
        places.feedback.push(row.try_get(4)?);
        let person = admission::person(row.try_get(0)?)?;
        let about: Option<&str> = row.try_get(5)?;
        let about = about.map(serde_json::from_str::<About>).transpose();
        let about = about.map_err(|error| damaged(&error))?;
        heard.feedback.push(Feedback { person, text: row.try_get(1)?, name: row.try_get(2)?, about });
    }
    let sums = "SELECT survey, question, kind, answer, sum(n)::bigint FROM survey_sum
                WHERE quarter >= $1 AND quarter < $2 GROUP BY survey, question, kind, answer";
    for row in transaction.query(sums, &[&from, &to]).await? {
        let [survey, question, kind, answer] = [0, 1, 2, 3].map(|column| row.try_get(column));
        let sum = Sum { survey: survey?, question: question?, kind: kind?, answer: answer? };
        heard.settled.sums.insert(sum, super::number(row.try_get(4)?)?);
    }
    Ok((heard, places))
}

/// The tables of what people said.
const SAID: [&str; 3] = ["survey_answer", "survey_ending", "feedback"];

/// Forgets what was said in quarters that are too old, but for the numbers that were let out, and when people were asked.
pub(super) async fn forget_until(
    transaction: &Transaction<'_>,
    horizon: Horizon,
    zone: &TimeZone,
) -> Result<u64, StoreError> {
    let until = horizon.quarter.as_millisecond();
    let mut quarters = BTreeSet::new();
    for table in SAID {
        let sql = format!("SELECT DISTINCT received FROM {table} WHERE received < $1");
        for row in transaction.query(&sql, &[&until]).await? {
            quarters.insert(Period::quarter_of(zone.to_datetime(instant(row.try_get(0)?)?).date()));
        }
    }
    for quarter in quarters {
        settle(transaction, quarter, zone, |_| true).await?;
    }
    let mut gone = 0;
    for table in SAID {
        gone += transaction.execute(&format!("DELETE FROM {table} WHERE received < $1"), &[&until]).await?;
    }
    let before = horizon.time.as_millisecond();
    transaction.execute("DELETE FROM survey_exposure WHERE asked < $1", &[&before]).await?;
    transaction.execute("UPDATE survey_exposure SET nps = NULL WHERE nps < $1", &[&before]).await?;
    Ok(gone)
}

/// Settles what was let out together with what some people said; they are about to go.
pub(super) async fn settle_for(
    transaction: &Transaction<'_>,
    people: &[i32],
    zone: &TimeZone,
) -> Result<(), StoreError> {
    let mut quarters = BTreeSet::new();
    for table in SAID {
        let sql = format!("SELECT DISTINCT received FROM {table} WHERE person = ANY ($1)");
        for row in transaction.query(&sql, &[&people]).await? {
            quarters.insert(Period::quarter_of(zone.to_datetime(instant(row.try_get(0)?)?).date()));
        }
    }
    let goes = |person: PersonKey| i32::try_from(person.0).is_ok_and(|person| people.contains(&person));
    for quarter in quarters {
        settle(transaction, quarter, zone, goes).await?;
    }
    Ok(())
}

/// Settles the batches of a quarter in which somebody goes. One after the other: two at once would each count what both are in.
/// That is so because both hold the row of the hub.
async fn settle(
    transaction: &Transaction<'_>,
    quarter: Period,
    zone: &TimeZone,
    goes: impl Fn(PersonKey) -> bool,
) -> Result<(), StoreError> {
    let Some((from, to)) = quarter.bounds(zone) else { return Ok(()) };
    let (heard, places) = heard(transaction, from, to).await?;
    let settled = surveys::settle(&heard, goes);
    for (table, of, places) in [
        ("survey_answer", &settled.answers, &places.answers),
        ("survey_ending", &settled.endings, &places.endings),
        ("feedback", &settled.feedback, &places.feedback),
    ] {
        let places: Vec<i64> = of.iter().filter_map(|index| places.get(*index).copied()).collect();
        let sql = format!("UPDATE {table} SET settled = true WHERE place = ANY ($1)");
        transaction.execute(&sql, &[&places]).await?;
    }
    let quarter = from.as_millisecond();
    let kept = "INSERT INTO survey_sum (quarter, survey, question, kind, answer, n) VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (quarter, survey, question, kind, answer) DO UPDATE SET n = survey_sum.n + excluded.n";
    for (Sum { survey, question, kind, answer }, n) in settled.sums {
        let n = i64::try_from(n).map_err(|error| damaged(&error))?;
        transaction.execute(kept, &[&quarter, &survey, &question, &kind, &answer, &n]).await?;
    }
    Ok(())
}

fn number(person: PersonKey) -> Result<i32, StoreError> {
    i32::try_from(person.0).map_err(|_| StoreError::Damaged(format!("{} is no person", person.0)))
}

fn survey_id(text: &str) -> Result<SurveyId, StoreError> {
    SurveyId::new(text).map_err(|error| damaged(&error))
}

fn damaged(error: &dyn std::error::Error) -> StoreError {
    StoreError::Damaged(format!("what was said in a survey cannot be read: {error}"))
}
