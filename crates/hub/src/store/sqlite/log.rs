//! The one transaction that matters: log, marks and counts.

use std::collections::BTreeMap;

use firstlight_contract::hub::Verdict;
use rusqlite::{CachedStatement, Connection, OptionalExtension, TransactionBehavior, params};

use super::{
    super::{
        DeviceKey, Progress, StoreError, Submission,
        columns::{Kinds, day_number, people_from, people_to},
        settling::{self, Accepted, Added},
        stories::Stories,
    },
    kpis,
    requests::Asking,
    surveys::Hearing,
};
use crate::ingest::event::RunPart;

pub(super) fn append(
    conn: &mut Connection,
    kinds: &Kinds,
    group: &[Submission],
) -> Result<Vec<Vec<Verdict>>, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read once a group, however many batches of a device are in it.
    let mut before = BTreeMap::new();
    for device in settling::devices(group) {
        if enrolled(&transaction, device)? {
            before.insert(device, progress(&transaction, device)?);
        }
    }
    let settled = settling::settle(group, before);
    let mut stories = Stories::default();
    {
        let mut writer = Writer::new(&transaction, kinds)?;
        writer.log(&settled.accepted)?;
        for accepted in settled.accepted {
            stories.tell(&mut &*transaction, &accepted)?;
            writer.count(accepted)?;
        }
    }
    kpis::write(&transaction, &stories)?;
    write_marks(&transaction, &settled.progress)?;
    write_counts(&transaction, kinds, &settled.added)?;
    transaction.commit()?;
    Ok(settled.verdicts)
}

/// Whether a device is still there.
fn enrolled(conn: &Connection, device: DeviceKey) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("SELECT 1 FROM device WHERE key = ?1")?.exists([device.0])?)
}

/// How many events one statement writes: they share what a statement costs by itself.
const ROWS: usize = 8;
/// How many columns an event has.
const COLUMNS: usize = 10;

struct Writer<'a> {
    kinds: &'a Kinds,
    events: CachedStatement<'a>,
    event: CachedStatement<'a>,
    journey: CachedStatement<'a>,
    run_began: CachedStatement<'a>,
    run_ended: CachedStatement<'a>,
    surveys: Hearing<'a>,
    requests: Asking<'a>,
}

impl<'a> Writer<'a> {
    fn new(conn: &'a Connection, kinds: &'a Kinds) -> Result<Self, StoreError> {
        let of_events = |rows: usize| {
            let row = format!("({})", ["?"; COLUMNS].join(", "));
            conn.prepare_cached(&format!(
                "INSERT INTO event (device, sequence, id, kind, day, time, recorded, received, data, happened)
                 VALUES {}",
                vec![row; rows].join(", ")
            ))
        };
        let (events, event) = (of_events(ROWS)?, of_events(1)?);
        let journey = conn.prepare_cached(
            "INSERT INTO journey (person, journey, day, time, persona) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        // A run begins with one release. Should a device say two, the first to arrive counts; a failure stays one.
        let run_began = conn.prepare_cached(
            "INSERT INTO run (device, run, pack, version, failed) VALUES (?1, ?2, ?3, ?4, 0)
             ON CONFLICT (device, run) DO UPDATE SET
                 version = iif(pack IS NULL, ?4, version), pack = coalesce(pack, ?3)",
        )?;
        let run_ended = conn.prepare_cached(
            "INSERT INTO run (device, run, failed) VALUES (?1, ?2, ?3)
             ON CONFLICT (device, run) DO UPDATE SET failed = max(failed, ?3)",
        )?;
        Ok(Self {
            kinds,
            events,
            event,
            journey,
            run_began,
            run_ended,
            surveys: Hearing::new(conn)?,
            requests: Asking::new(conn)?,
        })
    }

    /// Writes events down, in order.
    fn log(&mut self, accepted: &[Accepted<'_>]) -> Result<(), StoreError> {
        let (groups, rest) = accepted.as_chunks::<ROWS>();
        for group in groups {
            for (row, one) in group.iter().enumerate() {
                bind(&mut self.events, row, self.kinds, *one)?;
            }
            self.events.raw_execute()?;
        }
        for one in rest {
            bind(&mut self.event, 0, self.kinds, *one)?;
            self.event.raw_execute()?;
        }
        Ok(())
    }

    /// Takes in what an event says beside that.
    fn count(&mut self, accepted: Accepted<'_>) -> Result<(), StoreError> {
        let Accepted { of: submission, event, at, day } = accepted;
        if let Some(began) = &event.began {
            self.journey.execute(params![
                submission.person.0,
                began.journey.as_bytes(),
                day_number(day),
                at.as_millisecond(),
                began.persona,
            ])?;
        }
        if let Some(run) = &event.run {
            let (device, id) = (submission.device.0, run.id.as_bytes());
            match &run.part {
                RunPart::Began { pack, version } => {
                    self.run_began.execute(params![device, id, pack, version])?;
                }
                RunPart::Ended { failed } => {
                    self.run_ended.execute(params![device, id, failed])?;
                }
            }
        }
        self.surveys.write(&accepted)?;
        self.requests.write(&accepted)
    }
}

/// Binds an event to one row of a statement, the first of which is 0.
fn bind(
    log: &mut CachedStatement<'_>,
    row: usize,
    kinds: &Kinds,
    accepted: Accepted<'_>,
) -> Result<(), StoreError> {
    let Accepted { of: submission, event, day, .. } = accepted;
    let before = row * COLUMNS;
    log.raw_bind_parameter(before + 1, submission.device.0)?;
    log.raw_bind_parameter(before + 2, event.sequence)?;
    log.raw_bind_parameter(before + 3, &event.id.as_bytes()[..])?;
    log.raw_bind_parameter(before + 4, kinds.key(event.kind))?;
    log.raw_bind_parameter(before + 5, day_number(day))?;
    log.raw_bind_parameter(before + 6, event.time.as_millisecond())?;
    log.raw_bind_parameter(before + 7, event.recorded.as_millisecond())?;
    log.raw_bind_parameter(before + 8, submission.received.as_millisecond())?;
    log.raw_bind_parameter(before + 9, event.data.as_str())?;
    log.raw_bind_parameter(before + 10, accepted.happened())?;
    Ok(())
}

fn write_marks(conn: &Connection, devices: &BTreeMap<DeviceKey, Progress>) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO mark (device, high, gaps, accepted, refused, skew, latest, around)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (device) DO UPDATE SET high = ?2, gaps = ?3, accepted = ?4, refused = ?5, skew = ?6, latest = ?7,
                                            around = ?8",
    )?;
    for (device, Progress { marks, accepted, refused, course }) in devices {
        let ((high, gaps), (skew, latest, around)) = (marks.to_parts(), course.to_parts());
        statement.execute(params![device.0, high, gaps, accepted, refused, skew, latest, around])?;
    }
    Ok(())
}

fn write_counts(conn: &Connection, kinds: &Kinds, added: &Added) -> Result<(), StoreError> {
    let mut events = conn.prepare_cached(
        "INSERT INTO day_events (day, kind, n) VALUES (?1, ?2, ?3)
         ON CONFLICT (day, kind) DO UPDATE SET n = n + ?3",
    )?;
    for ((day, kind), n) in &added.events {
        events.execute(params![day_number(*day), kinds.key(*kind), n])?;
    }
    let mut known = conn.prepare_cached("SELECT people FROM day_people WHERE day = ?1")?;
    let mut write = conn.prepare_cached(
        "INSERT INTO day_people (day, people) VALUES (?1, ?2) ON CONFLICT (day) DO UPDATE SET people = ?2",
    )?;
    for (day, people) in &added.people {
        let day = day_number(*day);
        let before: Option<Vec<u8>> = known.query_row([day], |row| row.get(0)).optional()?;
        let mut all = before.as_deref().map(people_from).transpose()?.unwrap_or_default();
        if !people.is_subset(&all) {
            all |= people;
            write.execute(params![day, people_to(&all)?])?;
        }
    }
    Ok(())
}

pub(super) fn progress(conn: &Connection, device: DeviceKey) -> Result<Progress, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT high, gaps, accepted, refused, skew, latest, around FROM mark WHERE device = ?1",
    )?;
    let mut rows = statement.query([device.0])?;
    let Some(row) = rows.next()? else { return Ok(Progress::default()) };
    let bytes = |column: usize| row.get::<_, Option<Vec<u8>>>(column);
    let (gaps, around) = (bytes(1)?, bytes(6)?);
    let row = settling::Row {
        device,
        high: row.get(0)?,
        gaps: gaps.as_deref().unwrap_or_default(),
        accepted: row.get(2)?,
        refused: row.get(3)?,
        skew: row.get(4)?,
        latest: row.get(5)?,
        around: around.as_deref(),
    };
    row.progress()
}
