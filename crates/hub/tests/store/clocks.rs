//! Whatever the clocks of machines say, what is known is what happened.

use std::sync::Arc;

use firstlight_contract::hub::{Refusal, Verdict};
use firstlight_domain::registry::EventType;
use firstlight_hub::{
    ingest::Read,
    store::{Device, Rollups, Store, Submission, kpis::Known},
};
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;
use uuid::Uuid;

use crate::story;

const DEVICES: usize = 2;
const EVENTS: u64 = 16;
const STATES: [&str; 4] = ["running", "waiting", "failed", "changed"];

/// What each device writes down: minutes since what was before, and a state of a step.
type Written = Vec<Vec<(i64, usize)>>;

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// One event, by a clock that is so far ahead. The first begins a journey, whose clock starts when Firstlight is opened first.
fn read(device: usize, sequence: u64, at: Timestamp, state: usize, ahead: SignedDuration) -> Read {
    let journey = Uuid::from_u128(device as u128 + 1);
    let kind = if sequence == 1 { EventType::JourneyStarted } else { EventType::StepChanged };
    let data = match kind {
        EventType::JourneyStarted => json!({
            "journey": journey, "persona": "backend", "clock": "first_launch", "clock_start": at + ahead - minutes(1),
        }),
        _ => json!({ "journey": journey, "step": "git", "state": STATES[state] }),
    };
    story::with_data(sequence, at + ahead, kind, &data)
}

/// From a machine whose clock is so far ahead.
pub(crate) fn sent(submission: Submission, ahead: SignedDuration) -> Submission {
    Submission { sent: Some(submission.received + ahead), ..submission }
}

/// What a store knows of what was written, sent in these batches by machines with these clocks.
async fn told(
    store: &dyn Store,
    written: &Written,
    batches: &[(usize, Vec<u64>)],
    clocks: &[SignedDuration],
) -> (Known, Rollups) {
    let mut devices = Vec::new();
    for person in ["ada", "charles"] {
        devices.push(story::device(store, person).await);
    }
    for (index, sequences) in batches {
        let (device, ahead): (&Device, _) = (&devices[*index], clocks[*index]);
        let reads = sequences.iter().map(|sequence| {
            let upto = usize::try_from(*sequence).unwrap();
            let spent: i64 = written[*index][..upto].iter().map(|(spent, _)| *spent).sum();
            let at = story::now() - SignedDuration::from_hours(24 * 90) + minutes(spent);
            read(*index, *sequence, at, written[*index][upto - 1].1, ahead)
        });
        let verdicts = store.append(vec![sent(story::submission(device, reads), ahead)]).await.unwrap();
        assert!(verdicts[0].iter().all(|verdict| *verdict == Verdict::Accepted), "{verdicts:?}");
    }
    let (known, rollups) = (store.known().await.unwrap(), store.rollups().await.unwrap());
    assert_eq!(store.known_from_log().await.unwrap(), known);
    assert_eq!(store.recount().await.unwrap(), rollups);
    (known, rollups)
}

pub(crate) fn f6_property<S>(fresh: impl AsyncFn() -> (Arc<dyn Store>, S)) {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let events = usize::try_from(EVENTS).unwrap();
    let written =
        prop::collection::vec(prop::collection::vec((0_i64..3_000, 0..STATES.len()), events), DEVICES);
    let all: Vec<(usize, u64)> =
        (0..DEVICES).flat_map(|device| (1..=EVENTS).map(move |sequence| (device, sequence))).collect();
    let arrival = (Just(all).prop_shuffle(), 1_usize..8);
    let clocks = prop::collection::vec(-600_000_i64..600_000, DEVICES);
    runner
        .run(&(written, arrival, clocks), |(written, (order, size), clocks)| {
            let batches: Vec<(usize, Vec<u64>)> = order
                .chunks(size)
                .flat_map(|chunk| {
                    let of = |wanted: usize| {
                        chunk
                            .iter()
                            .filter(move |(device, _)| *device == wanted)
                            .map(|(_, sequence)| *sequence)
                    };
                    (0..DEVICES).map(move |device| (device, of(device).collect::<Vec<u64>>()))
                })
                .filter(|(_, sequences)| !sequences.is_empty())
                .collect();
            let wrong: Vec<SignedDuration> = clocks.iter().map(|ahead| minutes(*ahead)).collect();
            let (right, known) = runtime.block_on(async {
                let (one, _folder) = fresh().await;
                let right = told(one.as_ref(), &written, &batches, &[SignedDuration::ZERO; DEVICES]).await;
                let (other, _folder) = fresh().await;
                (right, told(other.as_ref(), &written, &batches, &wrong).await)
            });
            prop_assert_eq!(right, known);
            Ok(())
        })
        .unwrap();
}

pub(crate) async fn f6_judged_by_our_clock(store: &dyn Store) {
    let (ada, charles) = (story::device(store, "ada").await, story::device(store, "charles").await);
    let hours = SignedDuration::from_hours;
    let (year, now) = (hours(365 * 24), story::now());
    let event = |sequence, time| story::of_kind(sequence, time, EventType::StepChanged);
    assert!(store.skews().await.unwrap().is_empty());
    // Next year by a clock that is a year ahead is now, and two years ago by it is long ago.
    let group = [event(1, now + year - hours(500 * 24)), event(2, now + year)];
    let verdicts = store.append(vec![sent(story::submission(&ada, group), year)]).await.unwrap().remove(0);
    assert!(matches!(verdicts[0], Verdict::Refused { reason: Refusal::TooOld, .. }), "{verdicts:?}");
    assert_eq!(verdicts[1], Verdict::Accepted);
    assert_eq!(store.known().await.unwrap().latest, Some(now));
    // Who does not say what its clock shows is believed, and refused where that cannot be.
    let verdicts = store.append(vec![story::submission(&charles, [event(1, now + year)])]).await.unwrap();
    assert!(matches!(verdicts[0][0], Verdict::Refused { reason: Refusal::InTheFuture, .. }), "{verdicts:?}");
    // What was settled is a duplicate, whatever the clock says by now.
    let again = sent(story::submission(&ada, [event(2, now + year)]), SignedDuration::ZERO);
    assert_eq!(store.append(vec![again]).await.unwrap(), [[Verdict::Duplicate]]);
    let skews = store.skews().await.unwrap();
    assert_eq!(skews.into_iter().collect::<Vec<_>>(), [(ada.key, 365 * 24 * 3_600_000)]);
    let progress = store.progress(ada.key).await.unwrap();
    assert_eq!(
        (progress.course.skew(), progress.accepted, progress.refused),
        (Some(365 * 24 * 3_600_000), 1, 1)
    );
}
