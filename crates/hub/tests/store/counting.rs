//! Whatever arrives how often and in which order: the counts are those of the log, and those of what happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use firstlight_domain::registry::EventType;
use firstlight_hub::{
    ingest::{
        Read,
        event::{Run, RunPart},
    },
    store::{Rollups, Runs, Store},
};
use jiff::{SignedDuration, tz::TimeZone};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::story;

const DEVICES: usize = 3;
/// Whatever a device says is a value and nothing else.
const PERSONAS: [&str; 2] = ["backend", "'); DROP TABLE event; --\"\\{}$1\u{1}"];

/// What one device does: hours ago, and what.
fn happening() -> impl Strategy<Value = (i64, usize)> {
    (0_i64..100, 0..EventType::ALL.len() + 2)
}

/// Deliveries: which device, which of its events; more than there are happenings, so that some come twice and some never.
fn deliveries() -> impl Strategy<Value = Vec<Vec<(usize, usize)>>> {
    prop::collection::vec(prop::collection::vec((0..DEVICES, 0_usize..12), 0..8), 0..12)
}

fn read(index: usize, (hours, what): (i64, usize)) -> Read {
    let sequence = index as u64 + 1;
    let time = story::now() - SignedDuration::from_hours(hours);
    match EventType::ALL.get(what) {
        Some(EventType::JourneyStarted) | None => story::began(sequence, time, PERSONAS[what % 2]),
        Some(kind) => story::of_kind(sequence, time, *kind),
    }
}

pub(crate) fn property<G>(fresh: impl AsyncFn() -> (Arc<dyn Store>, G)) {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let happened = prop::collection::vec(prop::collection::vec(happening(), 12), DEVICES);
    runner
        .run(&(happened, deliveries()), |(happened, deliveries)| {
            let (rollups, recount, truth) = runtime.block_on(async {
                let (store, _guard) = fresh().await;
                tell(store.as_ref(), &happened, &deliveries).await
            });
            prop_assert_eq!(&rollups, &recount);
            prop_assert_eq!(rollups.events, truth.events);
            prop_assert_eq!(rollups.people, truth.people);
            prop_assert_eq!(rollups.runs, truth.runs);
            Ok(())
        })
        .unwrap();
}

async fn tell(
    store: &dyn Store,
    happened: &[Vec<(i64, usize)>],
    deliveries: &[Vec<(usize, usize)>],
) -> (Rollups, Rollups, Rollups) {
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
    // Counted apart from any of our code: a set of what arrived, each event once.
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let mut truth = Rollups::default();
    let (mut began, mut failed) = (BTreeMap::new(), BTreeSet::new());
    for (device, index) in arrived {
        let event = read(index, happened[device][index]).event.unwrap();
        let day = berlin.to_datetime(event.time).date();
        *truth.events.entry((day, event.kind)).or_default() += 1;
        match event.run {
            Some(Run { id, part: RunPart::Began { version, .. } }) => {
                began.insert((device, id), version);
            }
            Some(Run { id, part: RunPart::Ended { failed: true } }) => {
                failed.insert((device, id));
            }
            Some(_) | None => {}
        }
        let by_itself = [
            EventType::ReleaseReceived,
            EventType::SurveyShown,
            EventType::SurveyEnded,
            EventType::RequestOpened,
            EventType::RequestClosed,
        ]
        .contains(&event.kind);
        if !by_itself {
            truth.people.entry(day).or_default().insert(devices[device].person.0);
        }
    }
    for (run, version) in &began {
        let runs: &mut Runs = truth.runs.entry(("acme".to_owned(), version.clone())).or_default();
        runs.started += 1;
        runs.failed += u64::from(failed.contains(run));
    }
    (store.rollups().await.unwrap(), store.recount().await.unwrap(), truth)
}
