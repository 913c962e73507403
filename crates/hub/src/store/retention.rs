//! What is too old goes: of events, journeys and answers only sums are left, of signals and people nothing.
//!
//! It goes in small pieces, so that nobody waits for it, and each piece moves what it takes from the counts to the sums of the
//! past ([`Past`]): so the counts are at every moment what the log says, with those sums.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firstlight_domain::registry::{EventType, KEPT_DAYS};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Rollups, StoreError,
    columns::day_of,
    sessions,
    stories::{Key, damaged},
};
use crate::{
    audit::By,
    ingest::event::{RunPart, run},
    insights::{
        Period,
        story::{Journey, StepStory},
    },
};

/// How many events go at once.
pub(super) const PIECE: usize = 1_000;
/// How long after the last look, by whichever hub, it is time for another.
const BETWEEN: SignedDuration = SignedDuration::from_hours(20);
/// How long somebody is kept of whom nothing is known but that they are: a name is often told before a code is used.
const ALONE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// From when on everything is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// The first day whose events are kept.
    pub day: Date,
    /// Its first moment.
    pub time: Timestamp,
    /// From when on answers to surveys are kept: whole quarters go, because what is told of one must not change by a few.
    pub quarter: Timestamp,
    /// The first day of the months whose use of services is kept: they are told of by months, and half of one is none.
    pub month: Date,
    /// People who are alone since before then go.
    pub alone: Timestamp,
    /// Sessions that were over before then go.
    pub sessions: Timestamp,
    /// When it is looked.
    pub now: Timestamp,
}

impl Horizon {
    /// What is too old at a time, where days, months and quarters are those of a zone. None at the ends of time.
    pub fn at(now: Timestamp, zone: &TimeZone) -> Option<Self> {
        let day = zone.to_datetime(now).date().checked_sub(i64::from(KEPT_DAYS).days()).ok()?;
        let time = zone.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
        let (first, next) = Period::quarter_of(day).bounds(zone)?;
        let quarter = if first < time { next } else { first };
        let month = if day.day() == 1 { day } else { day.last_of_month().tomorrow().ok()? };
        Some(Self { day, time, quarter, month, alone: now - ALONE, sessions: now - sessions::KEPT, now })
    }
}

/// Before which look it is too early for another.
pub(super) fn too_early(now: Timestamp) -> i64 {
    (now - BETWEEN).as_millisecond()
}

/// How much was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Events.
    pub events: u64,
    /// Journeys, with all their steps.
    pub journeys: u64,
    /// Answers, endings of surveys, and feedback.
    pub answers: u64,
    /// What other programs said.
    pub signals: u64,
    /// Devices whose tokens do not count any more.
    pub devices: u64,
    /// People of whom nothing else was left.
    pub people: u64,
}

impl std::fmt::Display for Forgotten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { events, journeys, answers, signals, devices, people } = self;
        write!(
            f,
            "{events} events, {journeys} journeys, {answers} answers, {signals} signals, {devices} devices, {people} people"
        )
    }
}

/// What a database does with what is too old.
#[async_trait]
pub trait Retention {
    /// Whether it is time to forget; then it is the caller's turn, and nobody else's for most of a day.
    async fn turn_to_forget(&self, now: Timestamp) -> Result<bool, StoreError>;

    /// Forgets. What is cut off goes on the next time. An act, if there was something.
    async fn forget(&self, by: &By, horizon: Horizon, zone: &TimeZone) -> Result<Forgotten, StoreError>;
}

/// What a sum of the past is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Events of a type, on a day.
    Events,
    /// People who were active on a day.
    People,
    /// Runs of a release.
    Runs,
    /// Those of them that failed.
    FailedRuns,
}

impl What {
    pub(super) const ALL: [Self; 4] = [Self::Events, Self::People, Self::Runs, Self::FailedRuns];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::People => "people",
            Self::Runs => "runs",
            Self::FailedRuns => "failed_runs",
        }
    }
}

/// Sums of what is forgotten: of what, of which name, on which day (a number), or on none.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) sums: BTreeMap<(What, String, i32), u64>,
}

impl Past {
    pub(super) fn add(&mut self, what: What, name: impl Into<String>, day: i32, n: u64) {
        if n > 0 {
            *self.sums.entry((what, name.into(), day)).or_default() += n;
        }
    }

    /// As a database has it.
    pub(super) fn read(&mut self, what: &str, name: String, day: i32, n: u64) -> Result<(), StoreError> {
        let what = What::ALL
            .into_iter()
            .find(|known| known.name() == what)
            .ok_or_else(|| StoreError::Damaged(format!("there are no sums of `{what}`")))?;
        self.add(what, name, day, n);
        Ok(())
    }

    /// A run that is forgotten, if it is known of which release it was.
    pub(super) fn forget_run(
        &mut self,
        release: Option<(String, String)>,
        failed: bool,
    ) -> Result<(), StoreError> {
        let Some(release) = release else { return Ok(()) };
        let name = serde_json::to_string(&release)
            .map_err(|error| StoreError::Damaged(format!("a release cannot be written: {error}")))?;
        self.add(What::Runs, name.clone(), 0, 1);
        self.add(What::FailedRuns, name, 0, failed.into());
        Ok(())
    }

    /// With the sums of the past.
    pub(super) fn complete(&self, rollups: &mut Rollups) -> Result<(), StoreError> {
        for ((what, name, day), n) in &self.sums {
            match what {
                What::Events => {
                    let Some(kind) = EventType::named(name) else { continue };
                    *rollups.events.entry((day_of(*day)?, kind)).or_default() += n;
                }
                What::People => *rollups.past_people.entry(day_of(*day)?).or_default() += n,
                What::Runs => rollups.runs.entry(release(name)?).or_default().started += n,
                What::FailedRuns => rollups.runs.entry(release(name)?).or_default().failed += n,
            }
        }
        Ok(())
    }

    /// How many people were active on days that are forgotten.
    pub(super) fn people(&self) -> Result<BTreeMap<Date, u64>, StoreError> {
        let people = self.sums.iter().filter(|((what, ..), _)| *what == What::People);
        people.map(|((_, _, day), n)| Ok((day_of(*day)?, *n))).collect()
    }
}

fn release(name: &str) -> Result<(String, String), StoreError> {
    serde_json::from_str(name).map_err(|_| StoreError::Damaged(format!("`{name}` is no release")))
}

/// What an event that goes has told of a run: the run, and whether it told of its beginning.
pub(super) fn run_told(kind: EventType, data: &str) -> Option<(Uuid, bool)> {
    if !matches!(kind, EventType::RunStarted | EventType::RunFinished) {
        return None;
    }
    let told = run(kind, &serde_json::from_str(data).ok()?).ok()??;
    Some((told.id, matches!(told.part, RunPart::Began { .. })))
}

/// The first thing each journey tells of. A journey is forgotten as a whole: half of one would tell something else.
#[derive(Debug, Default)]
pub(super) struct Earliest {
    of: BTreeMap<Key, i64>,
}

impl Earliest {
    pub(super) fn of_journey(&mut self, id: Uuid, journey: &Journey) {
        let began = journey.began.as_ref().map(|began| began.moment.time);
        let entered = journey.steps.iter().filter_map(|(_, facts)| facts.entered).min();
        let earliest = [began, journey.value, journey.left, entered].into_iter().flatten().min();
        self.hear((journey.person, id), earliest);
    }

    /// Also of a step of which nothing is counted.
    pub(super) fn of_step(&mut self, key: Key, told: &[u8]) -> Result<(), StoreError> {
        let story = StepStory::from_bytes(told).ok_or_else(damaged)?;
        self.hear(key, story.transitions().first().map(|first| first.moment.time));
        Ok(())
    }

    fn hear(&mut self, key: Key, at: Option<i64>) {
        if let Some(at) = at {
            let earliest = self.of.entry(key).or_insert(at);
            *earliest = at.min(*earliest);
        }
    }

    /// Those that tell of something before `at`, in milliseconds.
    pub(super) fn before(self, at: i64) -> Vec<Key> {
        self.of.into_iter().filter(|(_, earliest)| *earliest < at).map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_zone_and_quarters_go_whole() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let horizon = Horizon::at("2026-11-26T23:30:00Z".parse().unwrap(), &berlin).unwrap();
        // The 27th in Berlin; 400 days before.
        assert_eq!(horizon.day.to_string(), "2025-10-23");
        assert_eq!(horizon.time.to_string(), "2025-10-22T22:00:00Z");
        assert_eq!(horizon.quarter.to_string(), "2025-12-31T23:00:00Z");
        // On the first day of a quarter nothing of it is too old.
        let horizon = Horizon::at("2026-11-05T12:00:00Z".parse().unwrap(), &berlin).unwrap();
        assert_eq!((horizon.day.to_string(), horizon.quarter), ("2025-10-01".to_owned(), horizon.time));
    }
}
