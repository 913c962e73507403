//! What is known of each journey: written with the log, in its transaction.
//!
//! What events tell of is read at once before they are told, because a look for each would be a journey over the network; the
//! rows are locked, in their order, because two machines may tell of one journey.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use sha2::{Digest as _, Sha256};
use tokio_postgres::{IsolationLevel, Row};
use uuid::Uuid;

use super::{
    super::{
        StoreError,
        columns::{day_of, instant, people_from, precedence_from, precedence_told},
        kpis::{Known, Kpis, Machines},
        settling::Accepted,
        signals::merged_for,
        stories::{Before, Key, Open, Retelling, Stories, clock_from, clock_parts, damaged},
    },
    PostgresStore, admission, counts,
    log::Failure,
    number, retention, signals, teams,
};
use crate::{
    insights::{
        Period, Precedence,
        journey_steps::Names,
        story::{Beginning, Journey, JourneySteps, Moment, Said, StepStory},
        written,
    },
    signals::SignalKind,
};

/// Keeps it in the place of the one that was written one time less often.
const KEEP_PRECEDENCE: &str = "
    INSERT INTO precedence (only_one, written, told) VALUES (1, $1::bigint + 1, $2)
    ON CONFLICT (only_one) DO UPDATE SET written = $1 + 1, told = $2 WHERE precedence.written = $1";

#[async_trait]
impl Kpis for PostgresStore {
    async fn stamp(&self) -> Result<Option<i64>, StoreError> {
        // Another one for each transaction that wrote and has ended, or has begun to write.
        let row = self.client().await?.query_one("SELECT pg_current_snapshot()::text", &[]).await?;
        let snapshot: String = row.try_get(0)?;
        let hash: [u8; 32] = Sha256::digest(snapshot.as_bytes()).into();
        Ok(hash.first_chunk().map(|first| i64::from_be_bytes(*first)))
    }

    async fn known(&self) -> Result<Known, StoreError> {
        let mut client = self.client().await?;
        // All of one moment.
        let transaction =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let transaction = transaction.start().await?;
        let mut known = around(&transaction).await?;
        // One look into the index over people and kinds for each journey.
        let stories = format!(
            "SELECT {COLUMNS}, (SELECT min(time) FROM signal WHERE signal.kind = $1
                                AND signal.person = story.person AND signal.time >= coalesce(clock, began))
             FROM story"
        );
        let mut names = Names::default();
        for row in transaction.query(&stories, &[&SignalKind::ChangeMerged.name()]).await? {
            let (key, journey) = journey(&row, &mut names)?;
            known.merged.extend(row.try_get::<_, Option<i64>>(13)?.map(|at| (key, at)));
            known.journeys.insert(key, journey);
        }
        for row in transaction.query("SELECT day, people FROM day_people", &[]).await? {
            known.people.insert(day_of(row.try_get(0)?)?, people_from(row.try_get(1)?)?);
        }
        let latest = transaction.query_opt("SELECT time FROM latest", &[]).await?;
        known.latest = latest.map(|row| instant(row.try_get(0)?)).transpose()?;
        if let Some(from) = known.using_from() {
            known.use_of(&signals::services(&*transaction, from..=Period::LAST_MONTH).await?);
        }
        Ok(known)
    }

    async fn known_from_log(&self) -> Result<Known, StoreError> {
        let mut client = self.client().await?;
        let transaction =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let transaction = transaction.start().await?;
        let forgotten = "SELECT coalesce(sum(forgotten), 0)::bigint FROM mark";
        let forgotten = number(transaction.query_one(forgotten, &[]).await?.try_get(0)?)?;
        let mut retelling = Retelling::of(around(&transaction).await?, forgotten);
        counts::each(&*transaction, &self.kinds, |logged, sequence| {
            retelling.take(logged, sequence);
            Ok(())
        })
        .await?;
        let mut known = retelling.done();
        let changes = "SELECT person, time FROM signal WHERE kind = $1 AND person IS NOT NULL";
        let changes = transaction.query(changes, &[&SignalKind::ChangeMerged.name()]).await?;
        let changes = changes.iter().map(|row| Ok((admission::person(row.try_get(0)?)?.0, row.try_get(1)?)));
        known.merged = merged_for(&known.journeys, changes.collect::<Result<Vec<_>, StoreError>>()?);
        if let Some(from) = known.using_from() {
            let mut services = signals::recount(&*transaction).await?.services;
            services.retain(|(_, month), _| *month >= from);
            known.use_of(&services);
        }
        Ok(known)
    }

    async fn keep_precedence(&self, precedence: &Precedence) -> Result<bool, StoreError> {
        let (before, told) = (precedence.written, precedence_told(precedence)?);
        let kept = self.client().await?.execute(KEEP_PRECEDENCE, &[&before, &told]).await?;
        Ok(kept == 1)
    }
}

/// What is known besides journeys and days.
async fn around(transaction: &Transaction<'_>) -> Result<Known, StoreError> {
    let past_people = retention::past(&**transaction).await?.people()?;
    let mut known = Known { past_people, ..Known::default() };
    // Those whose first days are too old to be kept are not among them.
    let everybody = "SELECT key FROM person WHERE NOT past
                     AND key IN (SELECT person FROM code UNION SELECT person FROM device)";
    for row in transaction.query(everybody, &[]).await? {
        known.everybody.insert(admission::person(row.try_get(0)?)?.0);
    }
    known.teams = teams::all(&**transaction).await?;
    if let Some(kept) = transaction.query_opt("SELECT written, told FROM precedence", &[]).await? {
        known.precedence = precedence_from(kept.try_get(0)?, kept.try_get(1)?)?;
    }
    let devices = transaction.query_one("SELECT count(*) FROM device", &[]).await?.try_get(0)?;
    let marks = "SELECT count(*), coalesce(sum(high), 0)::bigint, coalesce(sum(accepted), 0)::bigint,
                        coalesce(sum(refused), 0)::bigint FROM mark WHERE high > 0";
    let row = transaction.query_one(marks, &[]).await?;
    let [heard, produced, accepted, refused] = [0, 1, 2, 3].map(|column| number(row.try_get(column)?));
    known.machines = Machines {
        devices: number(devices)?,
        heard: heard?,
        produced: produced?,
        accepted: accepted?,
        refused: refused?,
    };
    Ok(known)
}

/// What was read before events are told.
#[derive(Default)]
struct Read {
    journeys: BTreeMap<Key, Journey>,
    steps: BTreeMap<(Key, String), StepStory>,
}

impl Before for Read {
    fn journey(&mut self, key: Key) -> Result<Option<Journey>, StoreError> {
        Ok(self.journeys.get(&key).cloned())
    }

    fn step(&mut self, key: Key, step: &str) -> Result<StepStory, StoreError> {
        Ok(self.steps.get(&(key, step.to_owned())).cloned().unwrap_or_default())
    }
}

/// Tells what was accepted, and writes what became of it.
pub(super) async fn tell(
    transaction: &Transaction<'_>,
    accepted: &[Accepted<'_>],
) -> Result<Stories, Failure> {
    let mut before = read(transaction, accepted).await?;
    let mut stories = Stories::default();
    for one in accepted {
        stories.tell(&mut before, one)?;
    }
    write(transaction, &stories).await?;
    Ok(stories)
}

async fn read(transaction: &Transaction<'_>, accepted: &[Accepted<'_>]) -> Result<Read, Failure> {
    let (mut journeys, mut steps) = (BTreeSet::new(), BTreeSet::new());
    for one in accepted {
        let Accepted { of, event, .. } = one;
        let Some((journey, said)) = &event.said else { continue };
        let key = (of.person.0, *journey);
        if let Said::Step(step, _) = said {
            steps.insert((key, step.clone()));
        }
        journeys.insert(key);
    }
    let mut read = Read::default();
    if journeys.is_empty() {
        return Ok(read);
    }
    let (people, ids) = parts(journeys.iter().copied())?;
    // Made first, so that there is a row to lock also for a journey that two machines tell of for the first time.
    let made = "INSERT INTO story (person, journey, at_once, steps)
                SELECT person, journey, false, $3 FROM unnest($1::integer[], $2::uuid[]) AS told (person, journey)
                ON CONFLICT DO NOTHING";
    let made = transaction.prepare_cached(made).await?;
    transaction.execute(&made, &[&people, &ids, &written::to_bytes(&JourneySteps::default())]).await?;
    let locked = format!(
        "SELECT {COLUMNS} FROM story JOIN unnest($1::integer[], $2::uuid[]) AS told (of_person, of_journey)
         ON person = of_person AND journey = of_journey ORDER BY person, journey FOR UPDATE OF story"
    );
    let locked = transaction.prepare_cached(&locked).await?;
    let mut names = Names::default();
    for row in transaction.query(&locked, &[&people, &ids]).await? {
        let (key, journey) = journey(&row, &mut names)?;
        read.journeys.insert(key, journey);
    }
    let (people, ids) = parts(steps.iter().map(|(key, _)| *key))?;
    let names: Vec<&str> = steps.iter().map(|(_, step)| step.as_str()).collect();
    let known = "SELECT person, journey, step, told FROM step_story
                 JOIN unnest($1::integer[], $2::uuid[], $3::text[]) AS asked (of_person, of_journey, of_step)
                 ON person = of_person AND journey = of_journey AND step = of_step";
    let known = transaction.prepare_cached(known).await?;
    for row in transaction.query(&known, &[&people, &ids, &names]).await? {
        let key = (admission::person(row.try_get(0)?)?.0, row.try_get(1)?);
        let story = StepStory::from_bytes(row.try_get(3)?).ok_or_else(damaged)?;
        read.steps.insert((key, row.try_get(2)?), story);
    }
    Ok(read)
}

fn parts(keys: impl Iterator<Item = Key>) -> Result<(Vec<i32>, Vec<Uuid>), StoreError> {
    let keys = keys.map(|(person, id)| Ok((person_number(person)?, id)));
    Ok(keys.collect::<Result<Vec<_>, StoreError>>()?.into_iter().unzip())
}

fn person_number(person: u32) -> Result<i32, StoreError> {
    i32::try_from(person).map_err(|_| StoreError::Damaged(format!("{person} is no person")))
}

/// What changed of journeys and steps. The latest event is written by [`write_latest`], where all hubs meet.
async fn write(transaction: &Transaction<'_>, stories: &Stories) -> Result<(), Failure> {
    let story =
        "UPDATE story SET began = $3, device = $4, sequence = $5, persona = $6, pack = $7, version = $8,
                        clock = $9, at_once = $10, arrived = $11, gone = $12, steps = $13
                 WHERE person = $1 AND journey = $2";
    let story = transaction.prepare_cached(story).await?;
    let step = "INSERT INTO step_story (person, journey, step, told) VALUES ($1, $2, $3, $4)
                ON CONFLICT (person, journey, step) DO UPDATE SET told = $4";
    let step = transaction.prepare_cached(step).await?;
    let dropping = "DELETE FROM step_story WHERE person = $1 AND journey = $2 AND step = ANY ($3)";
    for ((person, id), Open { journey, steps, dropped, .. }) in stories.changed() {
        let person = person_number(person)?;
        let began = journey.began.as_ref();
        let release = began.and_then(|began| began.release.as_ref());
        let (clock, at_once) = clock_parts(began.map(|began| began.clock));
        let sequence = began.map(|began| i64::try_from(began.moment.sequence)).transpose();
        let sequence = sequence.map_err(|_| StoreError::Damaged("a number is too large".to_owned()))?;
        transaction
            .execute(
                &story,
                &[
                    &person,
                    &id,
                    &began.map(|began| began.moment.time),
                    &began.map(|began| began.moment.device),
                    &sequence,
                    &began.map(|began| &began.persona),
                    &release.map(|(pack, _)| pack),
                    &release.map(|(_, version)| version),
                    &clock,
                    &at_once,
                    &journey.value,
                    &journey.left,
                    &written::to_bytes(&journey.steps),
                ],
            )
            .await?;
        for (name, told) in steps {
            transaction.execute(&step, &[&person, &id, name, &told.to_bytes()]).await?;
        }
        if !dropped.is_empty() {
            transaction.execute(dropping, &[&person, &id, dropped]).await?;
        }
    }
    Ok(())
}

/// When the latest event happened: one row for all, so it comes last.
pub(super) async fn write_latest(transaction: &Transaction<'_>, stories: &Stories) -> Result<(), Failure> {
    let Some(latest) = stories.latest else { return Ok(()) };
    let sql = "INSERT INTO latest (only_one, time) VALUES (1, $1)
               ON CONFLICT (only_one) DO UPDATE SET time = greatest(latest.time, $1)
               WHERE latest.time < $1";
    transaction.execute(sql, &[&latest]).await?;
    Ok(())
}

pub(super) const COLUMNS: &str =
    "person, journey, began, device, sequence, persona, pack, version, clock, at_once, arrived, gone, steps";

pub(super) fn journey(row: &Row, names: &mut Names) -> Result<(Key, Journey), StoreError> {
    let person = admission::person(row.try_get(0)?)?.0;
    let sequence: Option<i64> = row.try_get(4)?;
    let began = match (row.try_get(2)?, row.try_get(3)?, sequence, row.try_get(5)?) {
        (Some(time), Some(device), Some(sequence), Some(persona)) => {
            let pack: Option<String> = row.try_get(6)?;
            let moment = Moment { time, device, sequence: number(sequence)? };
            let clock = clock_from(row.try_get(8)?, row.try_get(9)?);
            Some(Beginning { moment, persona, release: pack.zip(row.try_get(7)?), clock })
        }
        _ => None,
    };
    let steps = written::from_bytes(row.try_get(12)?, names).ok_or_else(damaged)?;
    let journey = Journey { person, began, value: row.try_get(10)?, left: row.try_get(11)?, steps };
    Ok(((person, row.try_get(1)?), journey))
}
