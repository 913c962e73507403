//! What the KPIs must be, counted from the events that were sent and from nothing the hub does: no code of its counting, and
//! none of the statistics.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::company::{Company, DAY, Event, PACK, What};

/// Whoever begins so long after their clock started was there before.
const BACK_FILLED: i64 = 28 * DAY;
const HORIZON: i64 = 30 * DAY;

/// One journey.
#[derive(Debug, Clone, Default)]
pub(super) struct Journey {
    pub(super) person: usize,
    pub(super) persona: String,
    pub(super) release: String,
    pub(super) month: String,
    began: i64,
    start: i64,
    left: Option<i64>,
    value: Option<i64>,
    steps: BTreeMap<&'static str, Vec<(i64, u64, &'static str)>>,
}

/// Everything there is to count.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) journeys: Vec<Journey>,
    pub(super) without_beginning: usize,
    pub(super) accepted: u64,
    pub(super) produced: u64,
    pub(super) as_of: i64,
    active: BTreeMap<Date, BTreeSet<usize>>,
    zone: TimeZone,
}

/// A wait: how long, whether it ended with what was waited for, and from when on it was looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    time: i64,
    arrived: bool,
    entry: i64,
}

/// What one step took of some journeys.
#[derive(Debug, Clone, Default)]
pub(super) struct Step {
    pub(super) people: BTreeSet<usize>,
    pub(super) journeys: i64,
    pub(super) tried: i64,
    pub(super) failed: i64,
    pub(super) doing: i64,
    pub(super) waiting: i64,
    pub(super) failing: i64,
    pub(super) waits: Vec<Wait>,
}

impl Count {
    pub(super) fn of(company: &Company, zone: &TimeZone) -> Self {
        let mut seen = BTreeSet::new();
        let mut events: Vec<&Event> = company
            .batches
            .iter()
            .flat_map(|batch| &batch.events)
            .filter(|event| seen.insert((event.device, event.sequence)))
            .collect();
        events.sort_by_key(|event| (event.time, event.device, event.sequence));
        let mut highest: BTreeMap<usize, u64> = BTreeMap::new();
        let mut active: BTreeMap<Date, BTreeSet<usize>> = BTreeMap::new();
        let mut journeys: BTreeMap<(usize, Uuid), (bool, Journey)> = BTreeMap::new();
        for event in &events {
            let known = highest.entry(event.device).or_default();
            *known = event.sequence.max(*known);
            if matches!(event.what, What::Received { .. }) {
                continue;
            }
            active.entry(day(zone, event.time)).or_default().insert(event.person);
            if event.what == What::Run {
                continue;
            }
            let (begun, journey) = journeys.entry((event.person, event.journey)).or_default();
            match &event.what {
                What::Began { persona, version, start, .. } => {
                    *begun = true;
                    journey.person = event.person;
                    (*persona).clone_into(&mut journey.persona);
                    journey.release = format!("{PACK}@{version}");
                    (journey.began, journey.start) = (event.time, *start);
                    let started = day(zone, *start);
                    journey.month = format!("{:04}-{:02}", started.year(), started.month());
                }
                What::Left => journey.left = journey.left.or(Some(event.time)),
                What::Value { .. } => journey.value = journey.value.or(Some(event.time)),
                What::Step { step, state } => {
                    journey.steps.entry(step).or_default().push((event.time, event.sequence, state));
                }
                What::Run | What::Received { .. } => {}
            }
        }
        Self {
            without_beginning: journeys.values().filter(|(begun, _)| !begun).count(),
            journeys: journeys
                .into_values()
                .filter(|(begun, _)| *begun)
                .map(|(_, journey)| journey)
                .collect(),
            accepted: events.len() as u64,
            produced: highest.values().sum(),
            as_of: events.last().map_or(0, |event| event.time),
            active,
            zone: zone.clone(),
        }
    }

    /// The last day.
    pub(super) fn today(&self) -> Date {
        day(&self.zone, self.as_of)
    }

    /// People active in the days that end with one, of a persona or of all.
    pub(super) fn active(&self, day: Date, days: i64, persona: Option<&str>) -> usize {
        let mut people = BTreeSet::new();
        let mut at = day;
        for _ in 0..days {
            people.extend(self.active.get(&at).into_iter().flatten().copied());
            at = at.yesterday().unwrap_or(at);
        }
        people.retain(|person| persona.is_none_or(|persona| self.role(*person, day) == Some(persona)));
        people.len()
    }

    /// What somebody is on a day: that of the journey they began last.
    fn role(&self, person: usize, by: Date) -> Option<&str> {
        let begun = self
            .journeys
            .iter()
            .filter(|journey| journey.person == person && day(&self.zone, journey.began) <= by);
        begun.max_by_key(|journey| journey.began).map(|journey| journey.persona.as_str())
    }

    /// How many of those who have not left before have arrived: how many, and of how many.
    pub(super) fn adoption(of: &[&Journey]) -> (usize, usize) {
        let arrived: BTreeSet<usize> =
            of.iter().filter(|journey| journey.value.is_some()).map(|journey| journey.person).collect();
        let helped: BTreeSet<usize> = of
            .iter()
            .filter(|journey| journey.value.is_some() || journey.left.is_none())
            .map(|journey| journey.person)
            .collect();
        (helped.intersection(&arrived).count(), helped.len())
    }

    /// How long each has waited.
    pub(super) fn waits(&self, of: &[&Journey]) -> Vec<Wait> {
        let mut waits = Vec::new();
        for journey in of.iter().filter(|journey| journey.start <= self.as_of) {
            let end = [journey.value, journey.left].into_iter().flatten().min().unwrap_or(self.as_of);
            let arrived = journey.value == Some(end);
            let late = journey.began - journey.start;
            let entry = if late > BACK_FILLED { late } else { 0 };
            let time = (end - journey.start).max(0);
            if entry == 0 || time > entry {
                waits.push(Wait { time, arrived, entry });
            }
        }
        waits
    }

    /// How far people got in thirty days, of those whose thirty days are over; and who still has some.
    pub(super) fn funnel(&self, of: &[&Journey]) -> ([usize; 4], usize) {
        let (mut reached, mut under_way) = ([0; 4], 0);
        for journey in of {
            if self.as_of - journey.began < HORIZON {
                under_way += 1;
                continue;
            }
            let told = || journey.steps.values().map(|told| until_done(told));
            let is_met =
                |state: &str| matches!(state, "running" | "waiting" | "failed" | "changed" | "satisfied");
            let met = told()
                .filter_map(|told| told.iter().find(|(.., state)| is_met(state)).map(|told| told.0))
                .min();
            let done = told()
                .filter_map(|told| told.last().filter(|(.., state)| is_done(state)).map(|told| told.0))
                .min();
            let mut last = journey.began;
            for (count, at) in reached.iter_mut().zip([Some(journey.began), met, done, journey.value]) {
                match at.filter(|at| *at >= last && at - journey.began <= HORIZON) {
                    Some(at) => (last, *count) = (at, *count + 1),
                    None => break,
                }
            }
        }
        (reached, under_way)
    }

    /// What each step took.
    pub(super) fn steps(&self, of: &[&Journey]) -> BTreeMap<&'static str, Step> {
        let mut steps: BTreeMap<&'static str, Step> = BTreeMap::new();
        for journey in of {
            let end = journey.left.unwrap_or(self.as_of);
            for (name, told) in &journey.steps {
                let told = until_done(told);
                let Some(first) = told.iter().position(|(.., state)| !matches!(*state, "ready" | "pending"))
                else {
                    continue;
                };
                let step = steps.entry(name).or_default();
                step.people.insert(journey.person);
                step.journeys += 1;
                step.tried +=
                    i64::from(told.iter().any(|(.., state)| matches!(*state, "running" | "failed")));
                step.failed += i64::from(told.iter().any(|(.., state)| *state == "failed"));
                for (index, (at, _, state)) in told.iter().enumerate() {
                    let over = told.get(index + 1).map_or(end.max(*at), |next| next.0);
                    match *state {
                        "running" => step.doing += over - at,
                        "waiting" => step.waiting += over - at,
                        "failed" => step.failing += over - at,
                        _ => {}
                    }
                }
                let done =
                    told.last().filter(|(at, _, state)| is_done(state) && *at <= end).map(|told| told.0);
                let entered = told.get(first).map_or(0, |told| told.0);
                let time = (done.unwrap_or(end) - entered).max(0);
                step.waits.push(Wait { time, arrived: done.is_some(), entry: 0 });
            }
        }
        steps
    }
}

fn is_done(state: &str) -> bool {
    matches!(state, "changed" | "satisfied")
}

/// What happened until it was done first.
fn until_done(told: &[(i64, u64, &'static str)]) -> Vec<(i64, u64, &'static str)> {
    let done = told.iter().position(|(.., state)| is_done(state)).map_or(told.len(), |index| index + 1);
    told.iter().take(done).copied().collect()
}

fn day(zone: &TimeZone, at: i64) -> Date {
    zone.to_datetime(Timestamp::from_millisecond(at).unwrap_or_default()).date()
}

/// How many arrived.
pub(super) fn arrived(waits: &[Wait]) -> usize {
    waits.iter().filter(|wait| wait.arrived).count()
}

/// The time by which a share has arrived, by the product of what remains at each arrival; nothing if they have not.
#[expect(clippy::cast_precision_loss, reason = "milliseconds and people, far below 2^53")]
pub(super) fn quantile(waits: &[Wait], share: f64) -> Option<f64> {
    let times: BTreeSet<i64> = waits.iter().filter(|wait| wait.arrived).map(|wait| wait.time).collect();
    let mut waiting = 1.0;
    let mut exactly_at: Option<i64> = None;
    for time in times {
        let at_risk =
            waits.iter().filter(|wait| wait.time >= time && (wait.entry == 0 || wait.entry < time)).count();
        let arrive = waits.iter().filter(|wait| wait.arrived && wait.time == time).count();
        waiting *= (at_risk - arrive) as f64 / at_risk as f64;
        let beyond = waiting - (1.0 - share);
        if beyond.abs() < 1e-9 {
            exactly_at = exactly_at.or(Some(time));
        } else if beyond < 0.0 {
            return Some(f64::midpoint(exactly_at.unwrap_or(time) as f64, time as f64));
        }
    }
    exactly_at.map(|time| time as f64)
}
