//! The events of a company, the same whoever asks: people who begin a journey in the half-year before `now`, go through its
//! steps, and go on being looked at afterwards.

use std::fmt::Write as _;

use firstlight_domain::registry::EventType;
use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

/// How many people there are.
pub(crate) const PEOPLE: usize = 5_000;
/// Events in a batch, at most.
pub(crate) const BATCH: usize = 1_000;
const SEED: u64 = 0x00f1_5e11_6875;
const DAY: i64 = 86_400_000;
/// In how many days they begin, before now.
const BEGIN: i64 = 180;
const STEPS: usize = 30;
/// Which step is first value.
const VALUE: usize = 12;
const PERSONAS: [&str; 4] = ["backend", "data", "platform", "quality"];
const RELEASES: [&str; 6] = ["1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0", "3.0.0"];

/// An event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) kind: EventType,
    pub(crate) time: i64,
    pub(crate) sequence: u64,
    pub(crate) journey: Uuid,
    pub(crate) step: Option<String>,
    pub(crate) state: Option<&'static str>,
    pub(crate) persona: Option<&'static str>,
    pub(crate) release: Option<&'static str>,
}

/// Mixes a number (splitmix64): what looks like chance and comes out the same.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(SEED).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Chances, one after another.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn of(seed: u64) -> Self {
        Self(mixed(seed))
    }

    /// Below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        self.0 = mixed(self.0);
        i64::try_from((self.0 >> 1) % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// The id of somebody's journey.
pub(crate) fn journey(person: usize) -> Uuid {
    Uuid::from_u64_pair(mixed(person as u64 + 1_000_000), person as u64)
}

/// What the machine of one person says up to `now` (in milliseconds): `events` of them, in order.
pub(crate) fn of_person(person: usize, events: usize, now: i64) -> Vec<Event> {
    let mut chance = Chance::of(person as u64);
    let begun = now - 2 * DAY - chance.below(BEGIN * DAY);
    let age = (now - begun) / DAY;
    let release = RELEASES[usize::try_from((BEGIN + 2 - age) * 6 / (BEGIN + 3)).unwrap().min(5)];
    let journey = journey(person);
    let plain = Event {
        kind: EventType::StepChanged,
        time: begun,
        sequence: 0,
        journey,
        step: None,
        state: None,
        persona: None,
        release: None,
    };
    let persona = PERSONAS[person % PERSONAS.len()];
    let mut told = vec![Event {
        kind: EventType::JourneyStarted,
        persona: Some(persona),
        release: Some(release),
        ..plain.clone()
    }];
    let name = |step: usize| Some(format!("step-{step:02}"));
    let mut time = begun;
    'steps: for step in 0..STEPS {
        let mut states = vec!["running"];
        for _ in 0..chance.below(4) {
            states.extend(["failed", "running"]);
        }
        if chance.below(5) == 0 {
            states.extend(["waiting", "running"]);
        }
        states.push("changed");
        for state in states {
            let long = if matches!(state, "waiting" | "failed") { 8 * 3_600_000 } else { 3_600_000 };
            let at = time + 1_000 + chance.below(long);
            if at > now || told.len() >= events {
                break 'steps;
            }
            time = at;
            told.push(Event { time, step: name(step), state: Some(state), ..plain.clone() });
        }
        if step == VALUE && told.len() < events {
            told.push(Event { kind: EventType::FirstValueReached, time, step: name(step), ..plain.clone() });
        }
    }
    // What holds is looked at again, for as long as somebody is there.
    let (rest, left) = (events - told.len(), (now - time).max(0));
    for one in 0..rest {
        let at = time + left / i64::try_from(rest).unwrap() * i64::try_from(one).unwrap();
        let step = usize::try_from(chance.below(3)).unwrap();
        told.push(Event { time: at, step: name(step), state: Some("satisfied"), ..plain.clone() });
    }
    for (event, sequence) in told.iter_mut().zip(1..) {
        event.sequence = sequence;
    }
    told
}

/// A batch as a machine that calls itself `source` sends it.
pub(crate) fn body(events: &[Event], source: Uuid) -> String {
    let mut body = String::with_capacity(events.len() * 400);
    for (index, event) in events.iter().enumerate() {
        body.push(if index == 0 { '[' } else { ',' });
        let id = Uuid::from_u64_pair(mixed(event.sequence), source.as_u64_pair().1);
        let time = Timestamp::from_millisecond(event.time).unwrap();
        // Writing to a text never fails.
        let _ = write!(
            body,
            r#"{{"specversion":"1.0","id":"{id}","source":"urn:uuid:{source}","type":"{}","time":"{time}","recordedtime":"{time}","sequence":"{:016}","datacontenttype":"application/json","data":{}}}"#,
            event.kind.name(),
            event.sequence,
            data(event),
        );
    }
    body.push(']');
    body
}

fn data(event: &Event) -> String {
    let mut data = format!(r#"{{"journey":"{}""#, event.journey);
    let mut say = |name: &str, value: &str| {
        // Writing to a text never fails.
        let _ = write!(data, r#","{name}":"{value}""#);
    };
    if let Some(step) = &event.step {
        say("step", step);
    }
    if let Some(state) = event.state {
        say("state", state);
    }
    if let Some((persona, release)) = event.persona.zip(event.release) {
        say("persona", persona);
        say("pack", "acme");
        say("pack_version", release);
        say("clock", "first_launch");
    }
    data.push('}');
    data
}

/// The same as a row of CSV, for who wants to count it otherwise: person, day, milliseconds, type, journey, step, state,
/// persona.
pub(crate) fn row(person: usize, event: &Event) -> String {
    let day = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(event.time).unwrap()).date();
    format!(
        "{person},{day},{},{},{},{},{},{}\n",
        event.time,
        event.kind.name(),
        event.journey,
        event.step.as_deref().unwrap_or_default(),
        event.state.unwrap_or_default(),
        event.persona.unwrap_or_default(),
    )
}
