//! People to tell of.

use std::collections::BTreeMap;

use firstlight_domain::id::TeamId;
use firstlight_hub::{
    insights::{
        Insights,
        story::{Beginning, Clock, Journey, Moment, Phase, StepFacts},
    },
    store::{
        kpis::{Known, Machines},
        signals::{ServiceMonth, Services, Uses},
    },
};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use uuid::Uuid;

pub(crate) const DAY: i64 = 86_400_000;

/// Nobody hears of anything later.
pub(crate) fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

/// Somebody: persona, release, and how many days ago their clock started.
#[derive(Debug, Clone)]
pub(crate) struct Somebody {
    pub(crate) persona: String,
    pub(crate) version: String,
    pub(crate) days_ago: i64,
    /// Days until first value.
    pub(crate) value: Option<f64>,
    /// Days until they left.
    pub(crate) left: Option<f64>,
    pub(crate) steps: BTreeMap<String, StepFacts>,
    /// Days until their first change was merged.
    pub(crate) merged: Option<f64>,
    pub(crate) team: Option<&'static str>,
}

pub(crate) fn somebody(persona: &str, version: &str, days_ago: i64) -> Somebody {
    Somebody {
        persona: persona.to_owned(),
        version: version.to_owned(),
        days_ago,
        value: None,
        left: None,
        steps: BTreeMap::new(),
        merged: None,
        team: None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "days of a test")]
pub(crate) fn days(days: f64) -> i64 {
    (days * 86_400_000.0) as i64
}

/// A step that took so many minutes, waiting for half of them, and failed so often.
pub(crate) fn step(minutes: i64, failures: u32) -> StepFacts {
    let half = minutes * 30_000;
    StepFacts {
        entered: Some(0),
        tried: Some(half),
        done: Some(2 * half),
        failures,
        doing: half,
        waiting: half,
        failing: 0,
        open: None::<(Phase, i64)>,
    }
}

/// A company of these people, each of whom was active on the day they began and today.
pub(crate) fn company(people: &[Somebody]) -> Known {
    let mut known = Known { latest: Some(now()), ..Known::default() };
    let today = TimeZone::UTC.to_datetime(now()).date();
    for (person, somebody) in (1_u32..).zip(people) {
        let start = now().as_millisecond() - somebody.days_ago * DAY;
        let moment = Moment { time: start, device: person.into(), sequence: 1 };
        let release = Some(("acme".to_owned(), somebody.version.clone()));
        let at = |after: f64| start + days(after);
        let steps = somebody.steps.iter().map(|(step, facts)| {
            let later = |at: Option<i64>| at.map(|at| start + at);
            let facts = StepFacts {
                entered: later(facts.entered),
                tried: later(facts.tried),
                done: later(facts.done),
                ..*facts
            };
            (step.clone(), facts)
        });
        let journey = Journey {
            person,
            began: Some(Beginning {
                moment,
                persona: somebody.persona.clone(),
                release,
                clock: Clock::At(start),
            }),
            left: somebody.left.map(at),
            value: somebody.value.map(at),
            steps: steps.collect(),
        };
        let key = (person, Uuid::from_u128(person.into()));
        known.merged.extend(somebody.merged.map(|merged| (key, at(merged))));
        known.teams.extend(somebody.team.map(|team| (person, TeamId::new(team).unwrap())));
        known.journeys.insert(key, journey);
        known.everybody.insert(person);
        let began: Date = today.saturating_sub(somebody.days_ago.days());
        for day in [began, today] {
            known.people.entry(day).or_default().insert(person);
        }
    }
    known.machines = Machines { devices: 1, heard: 1, produced: 10, accepted: 9, refused: 0 };
    known
}

pub(crate) fn insights(known: Known) -> Insights {
    Insights::of(known, &TimeZone::UTC, now())
}

/// Services, in a month, used by these: each uses it as often as their number says, and the first of those uses fails.
pub(crate) fn services(used: &[(&str, &str, Vec<u32>)]) -> Services {
    let used = used.iter().map(|(service, name, people)| {
        let by = |person: &u32| (*person, Uses { days: 1, all: *person, failed: 1 });
        let month = ServiceMonth { people: people.iter().map(by).collect() };
        (((*service).to_owned(), name.parse().unwrap()), month)
    });
    used.collect()
}
