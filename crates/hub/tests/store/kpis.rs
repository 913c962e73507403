//! What is known of journeys is what happened, whatever arrived first, twice or never.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use firstlight_domain::{id::TeamId, registry::EventType};
use firstlight_hub::{
    ingest::Read,
    insights::Precedence,
    signals::{Signal, SignalKind},
    store::{Device, Store, kpis::Known},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;
use uuid::Uuid;

use crate::story;

const DEVICES: usize = 3;
const EVENTS: usize = 24;
const HOURS: i64 = 60;
const STATES: [&str; 8] =
    ["pending", "ready", "running", "waiting", "failed", "changed", "satisfied", "of-a-newer-machine"];
const STEPS: [&str; 2] = ["git", "vpn"];

/// Which journey, hours from the first, and what: a beginning, a leave, first value, or a step and its state.
type Happening = (usize, i64, usize);

/// Hour, device, number, and what.
type InOrder = (i64, i64, usize, usize);

fn happening() -> impl Strategy<Value = Happening> {
    (0_usize..2, 0..HOURS, 0..3 + 2 * STATES.len())
}

fn at(hour: i64) -> Timestamp {
    story::now() - SignedDuration::from_hours(HOURS - hour)
}

fn journey_id(journey: usize) -> Uuid {
    Uuid::from_u128(journey as u128 + 1)
}

fn step_of(what: usize) -> Option<(&'static str, &'static str)> {
    let index = what.checked_sub(3)?;
    Some((STEPS[index % 2], STATES[index / 2]))
}

fn read(index: usize, (journey, hour, what): Happening) -> Read {
    let id = journey_id(journey);
    let (kind, data) = match what {
        0 => (
            EventType::JourneyStarted,
            json!({
                "journey": id, "persona": format!("persona-{}", index % 3), "pack": "acme",
                "pack_version": format!("{}.0.0", index % 2), "clock": "start_date", "clock_start": at(hour - 9),
            }),
        ),
        1 => (EventType::JourneyLeft, json!({ "journey": id })),
        2 => (EventType::FirstValueReached, json!({ "journey": id, "step": "git", "seconds": 7 })),
        what => {
            let (step, state) = step_of(what).unwrap();
            (EventType::StepChanged, json!({ "journey": id, "step": step, "state": state }))
        }
    };
    story::with_data(index as u64 + 1, at(hour), kind, &data)
}

pub(crate) fn property<S>(fresh: impl AsyncFn() -> (Arc<dyn Store>, S)) {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let happened = prop::collection::vec(prop::collection::vec(happening(), EVENTS), DEVICES);
    let deliveries = prop::collection::vec(prop::collection::vec((0..DEVICES, 0..EVENTS), 0..16), 0..16);
    runner
        .run(&(happened, deliveries), |(happened, deliveries)| {
            let (devices, arrived, known, recounted) = runtime.block_on(async {
                let (store, _folder) = fresh().await;
                tell(store.as_ref(), &happened, &deliveries).await
            });
            prop_assert_eq!(&known, &recounted);
            check(&devices, &happened, &arrived, &known)?;
            Ok(())
        })
        .unwrap();
}

async fn tell(
    store: &dyn Store,
    happened: &[Vec<Happening>],
    deliveries: &[Vec<(usize, usize)>],
) -> (Vec<Device>, BTreeSet<(usize, usize)>, Known, Known) {
    let mut devices = Vec::new();
    for person in ["ada", "ada", "charles"] {
        devices.push(story::device(store, person).await);
    }
    let mut arrived = BTreeSet::new();
    for group in deliveries {
        let submissions = group.iter().map(|(device, index)| {
            arrived.insert((*device, *index));
            story::submission(&devices[*device], [read(*index, happened[*device][*index])])
        });
        store.append(submissions.collect()).await.unwrap();
    }
    (devices, arrived, store.known().await.unwrap(), store.known_from_log().await.unwrap())
}

/// Counted apart from any of our code: hour by hour.
fn check(
    devices: &[Device],
    happened: &[Vec<Happening>],
    arrived: &BTreeSet<(usize, usize)>,
    known: &Known,
) -> Result<(), TestCaseError> {
    // By person and journey, in the order in which it happened.
    let mut of: BTreeMap<(u32, Uuid), Vec<InOrder>> = BTreeMap::new();
    for (device, index) in arrived {
        let (journey, hour, what) = happened[*device][*index];
        let key = (devices[*device].person.0, journey_id(journey));
        of.entry(key).or_default().push((hour, devices[*device].key.0, *index, what));
    }
    prop_assert_eq!(known.journeys.keys().collect::<Vec<_>>(), of.keys().collect::<Vec<_>>());
    let latest = arrived.iter().map(|(device, index)| at(happened[*device][*index].1)).max();
    prop_assert_eq!(known.latest, latest);
    for (key, mut events) in of {
        events.sort_unstable();
        let journey = &known.journeys[&key];
        let first = |wanted: usize| events.iter().find(|(.., what)| *what == wanted);
        let began = first(0).map(|(hour, _, index, _)| (format!("persona-{}", index % 3), at(hour - 9)));
        prop_assert_eq!(
            journey.began.as_ref().map(|began| began.persona.clone()),
            began.clone().map(|began| began.0)
        );
        prop_assert_eq!(journey.clock_start(), began.map(|began| began.1.as_millisecond()));
        let instant = |wanted| first(wanted).map(|(hour, ..)| at(*hour).as_millisecond());
        prop_assert_eq!((journey.left, journey.value), (instant(1), instant(2)));
        for step in STEPS {
            let told: Vec<(i64, &str)> = events
                .iter()
                .filter_map(|(hour, .., what)| {
                    step_of(*what).filter(|told| told.0 == step).map(|told| (*hour, told.1))
                })
                .collect();
            let Some(facts) = journey.steps.get(step) else {
                prop_assert!(told.is_empty());
                continue;
            };
            let is_done = |state: &str| matches!(state, "changed" | "satisfied");
            let done = told.iter().find(|(_, state)| is_done(state)).map(|(hour, _)| *hour);
            prop_assert_eq!(facts.done, done.map(|hour| at(hour).as_millisecond()));
            let facts = facts.until(story::now().as_millisecond());
            let mut hours: BTreeMap<&str, i64> = BTreeMap::new();
            for hour in 0..done.unwrap_or(HOURS) {
                if let Some((_, state)) = told.iter().rev().find(|(since, _)| *since <= hour) {
                    *hours.entry(state).or_default() += 1;
                }
            }
            for (state, spent) in
                [("running", facts.doing), ("waiting", facts.waiting), ("failed", facts.failing)]
            {
                prop_assert_eq!(
                    spent,
                    hours.get(state).copied().unwrap_or(0) * 3_600_000,
                    "{} {}",
                    step,
                    state
                );
            }
        }
    }
    Ok(())
}

/// What other programs say of people whose journeys are known, and the teams they are of, whatever comes first.
pub(crate) async fn beside_journeys(store: &dyn Store) {
    let (by, ada) = (story::by(), story::device(store, "ada").await);
    let merged = |id: &str, hour| {
        let (id, subject, who) = (id.to_owned(), "orders".to_owned(), Some("github:ada-l".to_owned()));
        let (kind, at) = (SignalKind::ChangeMerged, at(hour));
        (Signal { id, kind, subject, who, at, ok: true }, TimeZone::UTC.to_datetime(at).date())
    };
    let used = |id: &str, who: &str, hour| {
        let (signal, day) = merged(id, hour);
        (Signal { kind: SignalKind::ServiceUsed, who: Some(who.to_owned()), ..signal }, day)
    };
    let known = async || {
        let known = store.known().await.unwrap();
        assert_eq!(known, store.known_from_log().await.unwrap());
        known
    };
    // Before and after her clock starts, at the eleventh hour; the forge's name for her is not known yet.
    let said = vec![
        merged("1", 3),
        merged("2", 30),
        merged("3", 12),
        used("4", "ada", 20),
        used("5", "somebody else", 21),
    ];
    store.take_signals("forge", said, story::now()).await.unwrap();
    store.append(vec![story::submission(&ada, [read(0, (0, 20, 0)), read(1, (1, 40, 0))])]).await.unwrap();
    let before = known().await;
    assert!(before.merged.is_empty() && before.teams.is_empty());
    assert_eq!(before.everybody.len(), 1, "who only uses a service was given no code");
    assert_eq!(before.using.values().map(roaring::RoaringBitmap::len).sum::<u64>(), 2);

    assert!(store.add_alias(&by, "ada", "github:ada-l").await.unwrap());
    let after = known().await;
    let first = |journey| after.merged.get(&(ada.person.0, journey_id(journey))).copied();
    assert_eq!(first(0), Some(at(12).as_millisecond()));
    assert_eq!(first(1), None, "nothing was merged since its clock started, at the thirty-first hour");

    let team = |name: &str| TeamId::new(name).unwrap();
    assert!(store.join(&by, "ada", Some(&team("orders"))).await.unwrap());
    assert!(!store.join(&by, "nobody", Some(&team("orders"))).await.unwrap());
    let code = firstlight_hub::secrets::hash_code("another");
    store.add_code(&by, code, Some("charles"), story::now()).await.unwrap();
    assert!(store.join_by_code(&by, code, &team("search")).await.unwrap());
    assert!(
        !store.join_by_code(&by, firstlight_hub::secrets::hash_code("none"), &team("search")).await.unwrap()
    );
    let teams: Vec<String> = known().await.teams.into_values().map(Into::into).collect();
    assert_eq!(teams, ["orders", "search"]);
    assert!(store.join(&by, "charles", None).await.unwrap());
    assert_eq!(known().await.teams.len(), 1);
}

/// Which groups were first is written by one hub at a time: whoever has read another one reads again.
pub(crate) async fn precedence(store: &dyn Store) {
    let kept = async || {
        let known = store.known().await.unwrap();
        assert_eq!(known, store.known_from_log().await.unwrap());
        known.precedence
    };
    let of = |written, personas: &[&str]| {
        let groups: Vec<_> = personas.iter().map(|persona| json!({ "persona": persona })).collect();
        Precedence::from_json(written, &serde_json::Value::from(groups).to_string()).unwrap()
    };
    assert_eq!(kept().await, Precedence::default());
    let before = store.stamp().await.unwrap();
    assert!(store.keep_precedence(&of(0, &["web"])).await.unwrap());
    assert_ne!(store.stamp().await.unwrap(), before);
    assert!(!store.keep_precedence(&of(0, &["data", "web"])).await.unwrap());
    assert_eq!(kept().await, of(1, &["web"]));
    assert!(store.keep_precedence(&of(1, &["web", "data"])).await.unwrap());
    assert!(!store.keep_precedence(&of(1, &["web", "qa"])).await.unwrap());
    assert_eq!(kept().await, of(2, &["web", "data"]));
}

/// A machine that makes up steps fills a journey, and no more; whichever come first.
pub(crate) async fn made_up(store: &dyn Store) {
    let device = story::device(store, "ada").await;
    let events = |from: u64, names: Vec<usize>| {
        let read = |(sequence, name): (u64, usize)| {
            let step = format!("made-up-{name:04}");
            let data = json!({ "journey": journey_id(0), "step": step, "state": "running" });
            story::with_data(sequence, at(1), EventType::StepChanged, &data)
        };
        story::submission(&device, (from..).zip(names).map(read))
    };
    // Every third, then all the others from the last on, then one over and over.
    let thirds: Vec<usize> = (0..900).step_by(3).collect();
    let others: Vec<usize> = (0..900).rev().filter(|name| name % 3 != 0).collect();
    let one = vec![1; 900];
    for (from, names) in [(1, thirds), (1_000, others), (2_000, one)] {
        store.append(vec![events(from, names)]).await.unwrap();
    }
    let known = store.known().await.unwrap();
    let steps: Vec<&str> =
        known.journeys.values().flat_map(|journey| journey.steps.iter()).map(|(name, _)| name).collect();
    assert_eq!((steps.len(), steps[511]), (512, "made-up-0511"));
    assert_eq!(known, store.known_from_log().await.unwrap());
}
