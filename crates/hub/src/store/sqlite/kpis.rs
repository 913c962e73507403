//! What is known of each journey: written with the log, in its transaction.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use roaring::RoaringBitmap;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    super::{
        DeviceKey, PersonKey, StoreError,
        kpis::{Known, Kpis, Machines},
    },
    SqliteStore,
    admission::instant,
    counts::{day_of, people_from},
    schema::Kinds,
};
use crate::{
    ingest::Event,
    insights::{
        story::{Beginning, Clock, Journey, MOST, Moment, StepStory, Told, told},
        written,
    },
};

#[async_trait]
impl Kpis for SqliteStore {
    async fn stamp(&self) -> Result<Option<i64>, StoreError> {
        // SQLite counts, for each connection, how often others have written.
        let stamp = |conn: &mut Connection| {
            Ok(conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
        };
        Self::on(&self.reader, stamp).await.map(Some)
    }

    async fn known(&self) -> Result<Known, StoreError> {
        Self::on(&self.reader, known).await
    }

    async fn known_from_log(&self) -> Result<Known, StoreError> {
        let kinds = self.kinds.clone();
        Self::on(&self.reader, move |conn| known_from_log(conn, &kinds)).await
    }
}

/// The journeys a group of submissions tells of.
#[derive(Default)]
pub(super) struct Stories {
    journeys: BTreeMap<(u32, Uuid), Open>,
    latest: Option<i64>,
}

/// A journey while events are told of it.
#[derive(Default)]
struct Open {
    journey: Journey,
    /// The steps that were told of.
    steps: BTreeMap<String, StepStory>,
    /// Steps that are kept no longer, see [`MOST`].
    dropped: Vec<String>,
    changed: bool,
}

impl Stories {
    pub(super) fn tell(
        &mut self,
        conn: &Connection,
        person: PersonKey,
        device: DeviceKey,
        event: &Event,
    ) -> Result<(), StoreError> {
        let moment = Moment { time: event.time.as_millisecond(), device: device.0, sequence: event.sequence };
        self.latest = self.latest.max(Some(moment.time));
        let Some((journey, told)) = told(event.kind, moment, &event.data) else { return Ok(()) };
        let key = (person.0, journey);
        let open = match self.journeys.entry(key) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                let known = journey_of(conn, key)?;
                // Also one of which there is nothing to say yet is known from now on.
                let changed = known.is_none();
                let journey = known.unwrap_or(Journey { person: person.0, ..Journey::default() });
                new.insert(Open { journey, changed, ..Open::default() })
            }
        };
        let Told::Step(step, transition) = told else {
            open.changed |= open.journey.tell(&told);
            return Ok(());
        };
        // Most of what comes later is about steps that were done long ago.
        let done = open.journey.steps.get(&step).and_then(|facts| facts.done);
        if done.is_some_and(|done| done < moment.time) {
            return Ok(());
        }
        let full = open.journey.steps.len() >= MOST && !open.journey.steps.contains_key(&step);
        if full && open.journey.steps.last_key_value().is_some_and(|(last, _)| *last < step) {
            return Ok(());
        }
        let story = match open.steps.entry(step.clone()) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => new.insert(step_of(conn, key, &step)?),
        };
        story.tell(transition);
        open.journey.steps.insert(step, story.facts());
        if full && let Some((dropped, _)) = open.journey.steps.pop_last() {
            open.steps.remove(&dropped);
            open.dropped.push(dropped);
        }
        open.changed = true;
        Ok(())
    }

    pub(super) fn write(&self, conn: &Connection) -> Result<(), StoreError> {
        let mut story = conn.prepare_cached(
            "INSERT INTO story (person, journey, began, device, sequence, persona, pack, version, clock, at_once,
                                arrived, gone, steps)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (person, journey) DO UPDATE SET
                 began = ?3, device = ?4, sequence = ?5, persona = ?6, pack = ?7, version = ?8, clock = ?9,
                 at_once = ?10, arrived = ?11, gone = ?12, steps = ?13",
        )?;
        let mut step = conn.prepare_cached(
            "INSERT INTO step_story (person, journey, step, told) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (person, journey, step) DO UPDATE SET told = ?4",
        )?;
        let mut drop =
            conn.prepare_cached("DELETE FROM step_story WHERE person = ?1 AND journey = ?2 AND step = ?3")?;
        for ((person, id), Open { journey, steps, dropped, changed }) in &self.journeys {
            if !changed {
                continue;
            }
            let began = journey.began.as_ref();
            let release = began.and_then(|began| began.release.as_ref());
            let (clock, at_once) = match began.map(|began| began.clock) {
                Some(Clock::At(at)) => (Some(at), false),
                Some(Clock::Beginning) => (None, true),
                Some(Clock::Unknown) | None => (None, false),
            };
            story.execute(params![
                person,
                id.as_bytes(),
                began.map(|began| began.moment.time),
                began.map(|began| began.moment.device),
                began.map(|began| began.moment.sequence),
                began.map(|began| &began.persona),
                release.map(|(pack, _)| pack),
                release.map(|(_, version)| version),
                clock,
                at_once,
                journey.value,
                journey.left,
                written::to_bytes(&journey.steps),
            ])?;
            for (name, told) in steps {
                step.execute(params![person, id.as_bytes(), name, told.to_bytes()])?;
            }
            for name in dropped {
                drop.execute(params![person, id.as_bytes(), name])?;
            }
        }
        if let Some(latest) = self.latest {
            conn.prepare_cached(
                "INSERT INTO latest (only, time) VALUES (1, ?1)
                 ON CONFLICT (only) DO UPDATE SET time = max(time, ?1)",
            )?
            .execute([latest])?;
        }
        Ok(())
    }
}

const COLUMNS: &str =
    "person, began, device, sequence, persona, pack, version, clock, at_once, arrived, gone, steps";

fn journey_of(conn: &Connection, (person, id): (u32, Uuid)) -> Result<Option<Journey>, StoreError> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM story WHERE person = ?1 AND journey = ?2"))?;
    let mut rows = statement.query(params![person, id.as_bytes()])?;
    rows.next()?.map(journey).transpose()
}

fn journey(row: &Row<'_>) -> Result<Journey, StoreError> {
    let began = match (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?) {
        (Some(time), Some(device), Some(sequence), Some(persona)) => {
            let pack: Option<String> = row.get(5)?;
            let clock = match (row.get(7)?, row.get(8)?) {
                (Some(at), _) => Clock::At(at),
                (None, true) => Clock::Beginning,
                (None, false) => Clock::Unknown,
            };
            let moment = Moment { time, device, sequence };
            Some(Beginning { moment, persona, release: pack.zip(row.get(6)?), clock })
        }
        _ => None,
    };
    let steps = row.get_ref(11)?.as_blob().ok().and_then(written::from_bytes).ok_or_else(damaged)?;
    Ok(Journey { person: row.get(0)?, began, value: row.get(9)?, left: row.get(10)?, steps })
}

fn step_of(conn: &Connection, (person, id): (u32, Uuid), step: &str) -> Result<StepStory, StoreError> {
    let told: Option<Vec<u8>> = conn
        .prepare_cached("SELECT told FROM step_story WHERE person = ?1 AND journey = ?2 AND step = ?3")?
        .query_row(params![person, id.as_bytes(), step], |row| row.get(0))
        .optional()?;
    told.map_or(Ok(StepStory::default()), |told| StepStory::from_bytes(&told).ok_or_else(damaged))
}

fn damaged() -> StoreError {
    StoreError::Damaged("the steps of a journey are not what was written".to_owned())
}

fn known(conn: &mut Connection) -> Result<Known, StoreError> {
    // All of one moment.
    let conn = conn.transaction()?;
    let mut known = Known { machines: machines(&conn)?, everybody: everybody(&conn)?, ..Known::default() };
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS}, journey FROM story"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let journey = journey(row)?;
        known.journeys.insert((journey.person, Uuid::from_bytes(row.get(12)?)), journey);
    }
    let mut statement = conn.prepare_cached("SELECT day, people FROM day_people")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        known.people.insert(day_of(row.get(0)?)?, people_from(&row.get::<_, Vec<u8>>(1)?)?);
    }
    let latest = conn
        .prepare_cached("SELECT time FROM latest")?
        .query_row([], |row| row.get::<_, i64>(0))
        .optional()?;
    known.latest = latest.map(instant).transpose()?;
    Ok(known)
}

fn everybody(conn: &Connection) -> Result<RoaringBitmap, StoreError> {
    let mut statement = conn.prepare_cached("SELECT key FROM person")?;
    let people = statement.query_map([], |row| row.get::<_, u32>(0))?;
    Ok(people.collect::<Result<_, _>>()?)
}

fn machines(conn: &Connection) -> Result<Machines, StoreError> {
    let devices =
        conn.prepare_cached("SELECT count(*) FROM device")?.query_row([], |row| row.get::<_, u64>(0))?;
    let mut statement = conn.prepare_cached(
        "SELECT count(*), coalesce(sum(high), 0), coalesce(sum(accepted), 0), coalesce(sum(refused), 0) FROM mark
         WHERE high > 0",
    )?;
    Ok(statement.query_row([], |row| {
        Ok(Machines {
            devices,
            heard: row.get(0)?,
            produced: row.get(1)?,
            accepted: row.get(2)?,
            refused: row.get(3)?,
        })
    })?)
}

fn known_from_log(conn: &mut Connection, kinds: &Kinds) -> Result<Known, StoreError> {
    let conn = conn.transaction()?;
    let mut known = Known { machines: machines(&conn)?, everybody: everybody(&conn)?, ..Known::default() };
    // Marks say what was settled; what was accepted is the log itself.
    known.machines.accepted = 0;
    let mut steps: BTreeMap<(u32, Uuid), BTreeMap<String, StepStory>> = BTreeMap::new();
    each(&conn, kinds, |kind, moment, person, data, row| {
        known.machines.accepted += 1;
        known.latest = known.latest.max(Some(instant(moment.time)?));
        if kind.shows_activity() {
            known.people.entry(day_of(row.get(5)?)?).or_default().insert(person);
        }
        let Some((journey, told)) = told(kind, moment, data) else { return Ok(()) };
        let key = (person, journey);
        let journey = known.journeys.entry(key).or_insert(Journey { person, ..Journey::default() });
        match told {
            Told::Step(step, transition) => {
                steps.entry(key).or_default().entry(step).or_default().tell(transition);
            }
            told => {
                journey.tell(&told);
            }
        }
        Ok(())
    })?;
    for (key, steps) in steps {
        let facts = steps.into_iter().take(MOST).map(|(step, story)| (step, story.facts())).collect();
        known.journeys.entry(key).or_default().steps = facts;
    }
    Ok(known)
}

/// A database of before there were stories has a log, and none: tells them.
pub(super) fn catch_up(conn: &Connection, kinds: &Kinds) -> Result<(), StoreError> {
    let told = conn.query_row("SELECT count(*) FROM latest", [], |row| row.get::<_, u64>(0))?;
    if told > 0 {
        return Ok(());
    }
    let mut stories = Stories::default();
    each(conn, kinds, |kind, moment, person, data, _| {
        let event = Event {
            sequence: moment.sequence,
            id: Uuid::nil(),
            kind,
            time: instant(moment.time)?,
            recorded: Timestamp::UNIX_EPOCH,
            began: None,
            run: None,
            data: data.to_owned(),
        };
        stories.tell(conn, PersonKey(person), DeviceKey(moment.device), &event)
    })?;
    stories.write(conn)
}

fn each(
    conn: &Connection,
    kinds: &Kinds,
    mut take: impl FnMut(
        firstlight_domain::registry::EventType,
        Moment,
        u32,
        &str,
        &Row<'_>,
    ) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare(
        "SELECT event.kind, event.time, event.device, event.sequence, device.person, event.day, event.data
         FROM event JOIN device ON device.key = event.device ORDER BY event.rowid",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let moment = Moment { time: row.get(1)?, device: row.get(2)?, sequence: row.get(3)? };
        let data = row.get_ref(6)?.as_str().map_err(|cause| StoreError::Database(Box::new(cause)))?;
        take(kinds.kind(row.get(0)?)?, moment, row.get(4)?, data, row)?;
    }
    Ok(())
}
