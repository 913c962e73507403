//! The one transaction that matters: log, marks and counts.

use std::collections::BTreeMap;

use firstlight_contract::hub::{Refusal, Verdict};
use jiff::civil::Date;
use roaring::RoaringBitmap;
use rusqlite::{CachedStatement, Connection, OptionalExtension, TransactionBehavior, params};

use super::{
    super::{DeviceKey, PersonKey, Progress, StoreError, Submission},
    counts::{day_number, people_from, people_to},
    schema::Kinds,
    surveys::Hearing,
};
use crate::ingest::{Event, Marks, Refused, event::RunPart, marks::Settle};

/// What a group of submissions adds to the counts.
#[derive(Default)]
struct Added {
    events: BTreeMap<(Date, i64), u64>,
    people: BTreeMap<Date, RoaringBitmap>,
}

pub(super) fn append(
    conn: &mut Connection,
    kinds: &Kinds,
    group: &[Submission],
) -> Result<Vec<Vec<Verdict>>, StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut added = Added::default();
    // Read once a group, however many batches of a device are in it.
    let mut devices: BTreeMap<DeviceKey, Progress> = BTreeMap::new();
    let mut verdicts = Vec::with_capacity(group.len());
    {
        let mut writer = Writer::new(&transaction, kinds)?;
        for submission in group {
            let progress = match devices.entry(submission.device) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(new) => {
                    new.insert(progress(&transaction, submission.device)?)
                }
            };
            verdicts.push(writer.settle(submission, progress, &mut added)?);
        }
    }
    write_marks(&transaction, &devices)?;
    write_counts(&transaction, &added)?;
    transaction.commit()?;
    Ok(verdicts)
}

struct Writer<'a> {
    kinds: &'a Kinds,
    event: CachedStatement<'a>,
    journey: CachedStatement<'a>,
    run_began: CachedStatement<'a>,
    run_ended: CachedStatement<'a>,
    surveys: Hearing<'a>,
}

impl<'a> Writer<'a> {
    fn new(conn: &'a Connection, kinds: &'a Kinds) -> Result<Self, StoreError> {
        let event = conn.prepare_cached(
            "INSERT INTO event (device, sequence, id, kind, day, time, recorded, received, data)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
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
        Ok(Self { kinds, event, journey, run_began, run_ended, surveys: Hearing::new(conn)? })
    }

    fn settle(
        &mut self,
        submission: &Submission,
        progress: &mut Progress,
        added: &mut Added,
    ) -> Result<Vec<Verdict>, StoreError> {
        let mut verdicts = Vec::with_capacity(submission.events.len());
        for (read, day) in &submission.events {
            let settled = read.sequence.map(|sequence| progress.marks.settle(sequence));
            let verdict = match (&read.event, settled) {
                // Why it is refused is said each time; that it was refused is counted once.
                (Err(Refused { reason, message }), settled) => {
                    progress.refused += u64::from(settled == Some(Settle::Now));
                    Verdict::Refused { reason: *reason, message: message.clone() }
                }
                (Ok(event), Some(Settle::Now)) => {
                    self.write(submission, event, *day)?;
                    progress.accepted += 1;
                    added.count(submission.person, self.kinds, event, *day);
                    Verdict::Accepted
                }
                (Ok(_), Some(Settle::Before)) => Verdict::Duplicate,
                (Ok(_), Some(Settle::TooManyGaps) | None) => Verdict::Refused {
                    reason: Refusal::TooManyGaps,
                    message: "too many events before it are missing; send those first, then this one again"
                        .to_owned(),
                },
            };
            verdicts.push(verdict);
        }
        Ok(verdicts)
    }

    fn write(&mut self, submission: &Submission, event: &Event, day: Date) -> Result<(), StoreError> {
        self.event.execute(params![
            submission.device.0,
            event.sequence,
            event.id.as_bytes(),
            self.kinds.key(event.kind),
            day_number(day),
            event.time.as_millisecond(),
            event.recorded.as_millisecond(),
            submission.received.as_millisecond(),
            event.data,
        ])?;
        if let Some(began) = &event.began {
            self.journey.execute(params![
                submission.person.0,
                began.journey.as_bytes(),
                day_number(day),
                event.time.as_millisecond(),
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
        self.surveys.write(submission, event)
    }
}

impl Added {
    fn count(&mut self, person: PersonKey, kinds: &Kinds, event: &Event, day: Date) {
        *self.events.entry((day, kinds.key(event.kind))).or_default() += 1;
        if event.kind.shows_activity() {
            self.people.entry(day).or_default().insert(person.0);
        }
    }
}

fn write_marks(conn: &Connection, devices: &BTreeMap<DeviceKey, Progress>) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO mark (device, high, gaps, accepted, refused) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (device) DO UPDATE SET high = ?2, gaps = ?3, accepted = ?4, refused = ?5",
    )?;
    for (device, Progress { marks, accepted, refused }) in devices {
        let (high, gaps) = marks.to_parts();
        statement.execute(params![device.0, high, gaps, accepted, refused])?;
    }
    Ok(())
}

fn write_counts(conn: &Connection, added: &Added) -> Result<(), StoreError> {
    let mut events = conn.prepare_cached(
        "INSERT INTO day_events (day, kind, n) VALUES (?1, ?2, ?3)
         ON CONFLICT (day, kind) DO UPDATE SET n = n + ?3",
    )?;
    for ((day, kind), n) in &added.events {
        events.execute(params![day_number(*day), kind, n])?;
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
    let row = conn
        .prepare_cached("SELECT high, gaps, accepted, refused FROM mark WHERE device = ?1")?
        .query_row([device.0], |row| {
            Ok((row.get::<_, u64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((high, gaps, accepted, refused)) = row else { return Ok(Progress::default()) };
    let marks = Marks::from_parts(high, &gaps).ok_or_else(|| {
        StoreError::Damaged(format!("the marks of device {} are not what was written", device.0))
    })?;
    Ok(Progress { marks, accepted, refused })
}
