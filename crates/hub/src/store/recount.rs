//! Counting again from the log: a database hands in each event, in the order in which they were written.

use std::collections::BTreeMap;

use firstlight_domain::registry::EventType;
use jiff::{Timestamp, civil::Date};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Beginning, DeviceKey, PersonKey, Rollups, StoreError, by_persona};
use crate::ingest::event::{RunPart, run};

/// An event as the log has it.
#[derive(Debug)]
pub(super) struct Logged<'a> {
    pub(super) device: DeviceKey,
    pub(super) person: PersonKey,
    pub(super) kind: EventType,
    pub(super) day: Date,
    /// When it happened, by our clock.
    pub(super) time: Timestamp,
    /// How much later that is than its device's clock said, in milliseconds.
    pub(super) moved: i64,
    pub(super) data: &'a str,
}

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct Recount {
    rollups: Rollups,
    beginnings: Vec<Beginning>,
    runs: BTreeMap<(DeviceKey, Uuid), RunSoFar>,
}

/// What was said of a run so far. Should a device say two releases, the first to arrive counts; a failure stays one.
#[derive(Debug, Default)]
pub(super) struct RunSoFar {
    pub(super) release: Option<(String, String)>,
    pub(super) failed: bool,
}

impl RunSoFar {
    pub(super) fn hear(&mut self, part: &RunPart) {
        match part {
            RunPart::Began { pack, version } => {
                self.release.get_or_insert_with(|| (pack.clone(), version.clone()));
            }
            RunPart::Ended { failed } => self.failed |= failed,
        }
    }
}

impl Recount {
    pub(super) fn take(&mut self, logged: &Logged<'_>) -> Result<(), StoreError> {
        let Logged { device, person, kind, day, time, data, .. } = *logged;
        *self.rollups.events.entry((day, kind)).or_default() += 1;
        if kind.shows_activity() {
            self.rollups.people.entry(day).or_default().insert(person.0);
        }
        if kind == EventType::JourneyStarted {
            let (journey, persona) = beginning(data)
                .ok_or_else(|| StoreError::Damaged("a journey in the log has no id or persona".to_owned()))?;
            self.beginnings.push(Beginning { day, time, journey, persona, person });
        }
        if matches!(kind, EventType::RunStarted | EventType::RunFinished) {
            let told = serde_json::from_str(data).ok().and_then(|data| run(kind, &data).ok().flatten());
            let told =
                told.ok_or_else(|| StoreError::Damaged("a run in the log says nothing of it".to_owned()))?;
            self.runs.entry((device, told.id)).or_default().hear(&told.part);
        }
        Ok(())
    }

    pub(super) fn done(self) -> Rollups {
        let Self { mut rollups, beginnings, runs } = self;
        for RunSoFar { release, failed } in runs.into_values() {
            let Some(release) = release else { continue };
            let counted = rollups.runs.entry(release).or_default();
            counted.started += 1;
            counted.failed += u64::from(failed);
        }
        rollups.personas = by_persona(&rollups.people, beginnings);
        rollups
    }
}

fn beginning(data: &str) -> Option<(Uuid, String)> {
    let data: Map<String, Value> = serde_json::from_str(data).ok()?;
    let journey = Uuid::try_parse(data.get("journey")?.as_str()?).ok()?;
    Some((journey, data.get("persona")?.as_str()?.to_owned()))
}
