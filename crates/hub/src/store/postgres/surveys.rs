//! What people were asked and said.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use firstlight_domain::{
    id::{QuestionId, SurveyId},
    survey::{Answer, Ending, Exposures},
};
use jiff::Timestamp;
use tokio_postgres::IsolationLevel;

use super::{
    super::{
        PersonKey, StoreError,
        columns::instant,
        settling::Accepted,
        surveys::{Again, Answered, Ended, Feedback, Heard, HowMuch, Surveys, said_in},
    },
    PostgresStore, admission, counts,
    log::Failure,
};
use crate::ingest::survey::{Said, What};

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

/// Writes what events say of surveys. They are few, so each goes by itself; exposures come last, in the order of people, because
/// two machines of one person may tell at once.
pub(super) async fn write(transaction: &Transaction<'_>, accepted: &[Accepted<'_>]) -> Result<(), Failure> {
    let mut exposures: BTreeMap<PersonKey, Exposures> = BTreeMap::new();
    for Accepted { of, event, .. } in accepted {
        let Some(Said { submission, what }) = said_in(event.kind, &event.data) else { continue };
        let (device, received) = (of.device.0, of.received.as_millisecond());
        let person = number(of.person)?;
        match what {
            What::Shown { asks_nps } => {
                let known = exposures.entry(of.person).or_default();
                *known = known.merged(Exposures::shown(event.time, asks_nps));
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
            What::Feedback { text, name } => {
                let sql = "INSERT INTO feedback (device, submission, person, received, comment, signed_name)
                           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
                let statement = transaction.prepare_cached(sql).await?;
                transaction
                    .execute(&statement, &[&device, &submission, &person, &received, &text, &name])
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
        let transaction = transaction.start().await?;
        let (from, to) = (from.as_millisecond(), to.as_millisecond());
        let mut heard = Heard::default();
        let answers = "SELECT person, survey, question, answer FROM survey_answer
                       WHERE received >= $1 AND received < $2 ORDER BY place";
        for row in transaction.query(answers, &[&from, &to]).await? {
            heard.answers.push(Answered {
                person: admission::person(row.try_get(0)?)?,
                survey: survey_id(row.try_get(1)?)?,
                question: QuestionId::new(row.try_get::<_, &str>(2)?).map_err(|error| damaged(&error))?,
                answer: serde_json::from_str::<Answer>(row.try_get(3)?).map_err(|error| damaged(&error))?,
            });
        }
        let endings = "SELECT person, survey, ending FROM survey_ending
                       WHERE received >= $1 AND received < $2 ORDER BY place";
        for row in transaction.query(endings, &[&from, &to]).await? {
            let ending: &str = row.try_get(2)?;
            let ending = Ending::named(ending)
                .ok_or_else(|| StoreError::Damaged(format!("no survey ends with `{ending}`")))?;
            let person = admission::person(row.try_get(0)?)?;
            heard.endings.push(Ended { person, survey: survey_id(row.try_get(1)?)?, ending });
        }
        let feedback = "SELECT person, comment, signed_name FROM feedback
                        WHERE received >= $1 AND received < $2 ORDER BY place";
        for row in transaction.query(feedback, &[&from, &to]).await? {
            let person = admission::person(row.try_get(0)?)?;
            heard.feedback.push(Feedback { person, text: row.try_get(1)?, name: row.try_get(2)? });
        }
        Ok(heard)
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

fn number(person: PersonKey) -> Result<i32, StoreError> {
    i32::try_from(person.0).map_err(|_| StoreError::Damaged(format!("{} is no person", person.0)))
}

fn survey_id(text: &str) -> Result<SurveyId, StoreError> {
    SurveyId::new(text).map_err(|error| damaged(&error))
}

fn damaged(error: &dyn std::error::Error) -> StoreError {
    StoreError::Damaged(format!("what was said in a survey cannot be read: {error}"))
}
