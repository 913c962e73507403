//! What is known of each journey: written with the log, in its transaction.

use async_trait::async_trait;
use roaring::RoaringBitmap;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    super::{
        DeviceKey, PersonKey, StoreError,
        columns::{Kinds, day_of, instant, people_from, precedence_from, precedence_told},
        kpis::{Known, Kpis, Machines},
        recount::Logged,
        signals::merged_for,
        stories::{Before, Key, Open, Retelling, Stories, clock_from, clock_parts, damaged},
    },
    SqliteStore, retention, signals, teams,
};
use crate::{
    insights::{
        Period, Precedence,
        journey_steps::Names,
        story::{Beginning, Journey, Moment, StepStory},
        written,
    },
    signals::SignalKind,
};

/// Keeps it in the place of the one that was written one time less often.
const KEEP_PRECEDENCE: &str = "
    INSERT INTO precedence (only, written, told) VALUES (1, ?1 + 1, ?2)
    ON CONFLICT (only) DO UPDATE SET written = ?1 + 1, told = ?2 WHERE precedence.written = ?1";

#[async_trait]
impl Kpis for SqliteStore {
    async fn stamp(&self) -> Result<Option<i64>, StoreError> {
        // SQLite counts, for each connection, how often others have written.
        let stamp = |conn: &mut Connection| {
            Ok(conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
        };
        self.figures.on(stamp).await.map(Some)
    }

    async fn known(&self) -> Result<Known, StoreError> {
        self.figures.on(known).await
    }

    async fn known_from_log(&self) -> Result<Known, StoreError> {
        let kinds = self.kinds.clone();
        self.figures.on(move |conn| known_from_log(conn, &kinds)).await
    }

    async fn keep_precedence(&self, precedence: &Precedence) -> Result<bool, StoreError> {
        let (before, told) = (precedence.written, precedence_told(precedence)?);
        Self::on(&self.writer, move |conn| {
            let kept = conn.prepare_cached(KEEP_PRECEDENCE)?.execute(params![before, told])?;
            Ok(kept == 1)
        })
        .await
    }
}

impl Before for &Connection {
    fn journey(&mut self, (person, id): Key) -> Result<Option<Journey>, StoreError> {
        let mut statement =
            self.prepare_cached(&format!("SELECT {COLUMNS} FROM story WHERE person = ?1 AND journey = ?2"))?;
        let mut rows = statement.query(params![person, id.as_bytes()])?;
        rows.next()?.map(|row| journey(row, &mut Names::default())).transpose()
    }

    fn step(&mut self, (person, id): Key, step: &str) -> Result<StepStory, StoreError> {
        let told: Option<Vec<u8>> = self
            .prepare_cached("SELECT told FROM step_story WHERE person = ?1 AND journey = ?2 AND step = ?3")?
            .query_row(params![person, id.as_bytes(), step], |row| row.get(0))
            .optional()?;
        told.map_or(Ok(StepStory::default()), |told| StepStory::from_bytes(&told).ok_or_else(damaged))
    }
}

pub(super) fn write(conn: &Connection, stories: &Stories) -> Result<(), StoreError> {
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
    for ((person, id), Open { journey, steps, dropped, .. }) in stories.changed() {
        let began = journey.began.as_ref();
        let release = began.and_then(|began| began.release.as_ref());
        let (clock, at_once) = clock_parts(began.map(|began| began.clock));
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
    if let Some(latest) = stories.latest {
        conn.prepare_cached(
            "INSERT INTO latest (only, time) VALUES (1, ?1)
                 ON CONFLICT (only) DO UPDATE SET time = max(time, ?1)",
        )?
        .execute([latest])?;
    }
    Ok(())
}

pub(super) const COLUMNS: &str =
    "person, began, device, sequence, persona, pack, version, clock, at_once, arrived, gone, steps";

pub(super) fn journey(row: &Row<'_>, names: &mut Names) -> Result<Journey, StoreError> {
    let began = match (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?) {
        (Some(time), Some(device), Some(sequence), Some(persona)) => {
            let pack: Option<String> = row.get(5)?;
            let clock = clock_from(row.get(7)?, row.get(8)?);
            let moment = Moment { time, device, sequence };
            Some(Beginning { moment, persona, release: pack.zip(row.get(6)?), clock })
        }
        _ => None,
    };
    let steps = row.get_ref(11)?.as_blob().ok().and_then(|bytes| written::from_bytes(bytes, names));
    let steps = steps.ok_or_else(damaged)?;
    Ok(Journey { person: row.get(0)?, began, value: row.get(9)?, left: row.get(10)?, steps })
}

fn known(conn: &mut Connection) -> Result<Known, StoreError> {
    // All of one moment.
    let conn = conn.transaction()?;
    let mut known = around(&conn)?;
    // One look into the index over people and kinds for each journey.
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, journey, (SELECT min(time) FROM signal WHERE signal.kind = ?1
                                     AND signal.person = story.person AND signal.time >= coalesce(clock, began))
         FROM story"
    ))?;
    let mut rows = statement.query([SignalKind::ChangeMerged.name()])?;
    let mut names = Names::default();
    while let Some(row) = rows.next()? {
        let journey = journey(row, &mut names)?;
        let key = (journey.person, Uuid::from_bytes(row.get(12)?));
        known.merged.extend(row.get::<_, Option<i64>>(13)?.map(|at| (key, at)));
        known.journeys.insert(key, journey);
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
    if let Some(from) = known.using_from() {
        known.use_of(&signals::services(&conn, from..=Period::LAST_MONTH)?);
    }
    Ok(known)
}

/// What is known besides journeys and days.
fn around(conn: &Connection) -> Result<Known, StoreError> {
    let (machines, everybody, past_people) =
        (machines(conn)?, everybody(conn)?, retention::past(conn)?.people()?);
    let (teams, precedence) = (teams::all(conn)?, precedence(conn)?);
    Ok(Known { past_people, everybody, teams, machines, precedence, ..Known::default() })
}

fn precedence(conn: &Connection) -> Result<Precedence, StoreError> {
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
    let kept = conn.prepare_cached("SELECT written, told FROM precedence")?.query_row([], row).optional()?;
    kept.map_or_else(|| Ok(Precedence::default()), |(written, told)| precedence_from(written, &told))
}

fn everybody(conn: &Connection) -> Result<RoaringBitmap, StoreError> {
    // Those whose first days are too old to be kept are not among them.
    let mut statement = conn.prepare_cached(
        "SELECT key FROM person WHERE NOT past AND key IN (SELECT person FROM code UNION SELECT person FROM device)",
    )?;
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
    let forgotten = conn.query_row("SELECT coalesce(sum(forgotten), 0) FROM mark", [], |row| row.get(0))?;
    let mut retelling = Retelling::of(around(&conn)?, forgotten);
    each(&conn, kinds, |logged, sequence| {
        retelling.take(logged, sequence);
        Ok(())
    })?;
    let mut known = retelling.done();
    let mut changes =
        conn.prepare("SELECT person, time FROM signal WHERE kind = ?1 AND person IS NOT NULL")?;
    let changes =
        changes.query_map([SignalKind::ChangeMerged.name()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    known.merged = merged_for(&known.journeys, changes.collect::<Result<Vec<_>, _>>()?);
    if let Some(from) = known.using_from() {
        let mut services = signals::recount(&conn)?.services;
        services.retain(|(_, month), _| *month >= from);
        known.use_of(&services);
    }
    Ok(known)
}

fn each(
    conn: &Connection,
    kinds: &Kinds,
    mut take: impl FnMut(&Logged<'_>, u64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare(
        "SELECT event.kind, coalesce(event.happened, event.time), event.device, event.sequence, device.person, event.day,
                event.data, event.time
         FROM event JOIN device ON device.key = event.device ORDER BY event.rowid",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let data = row.get_ref(6)?.as_str().map_err(|cause| StoreError::Database(Box::new(cause)))?;
        let logged = Logged {
            device: DeviceKey(row.get(2)?),
            person: PersonKey(row.get(4)?),
            kind: kinds.kind(row.get(0)?)?,
            day: day_of(row.get(5)?)?,
            time: instant(row.get(1)?)?,
            moved: row.get::<_, i64>(1)? - row.get::<_, i64>(7)?,
            data,
        };
        take(&logged, row.get(3)?)?;
    }
    Ok(())
}
