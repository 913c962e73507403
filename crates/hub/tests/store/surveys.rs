//! What was said in surveys: each thing of a submission once, whatever arrives how often and in which order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use firstlight_domain::{
    registry::EventType,
    survey::{Answer, Ending, Exposures},
};
use firstlight_hub::{
    ingest::Read,
    store::{Device, PersonKey, Store, surveys::Heard},
};
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::story;

/// One thing a device says: of which of its submissions, and what.
fn read(sequence: u64, (submission, what, hours): (u8, u8, i64)) -> Read {
    let time = story::now() - SignedDuration::from_hours(hours);
    let id = Uuid::from_u128(u128::from(submission) + 1);
    let answered = |question: &str, more: (&str, Value)| {
        let kind = if more.0 == "score" { "nps" } else { "text" };
        json!({ "submission": id, "survey": "s", "question": question, "question_kind": kind, (more.0): more.1 })
    };
    match what {
        0 => story::with_data(
            sequence,
            time,
            EventType::SurveyShown,
            &json!({ "submission": id, "survey": "s", "asks_nps": false }),
        ),
        1 => story::with_data(
            sequence,
            time,
            EventType::SurveyShown,
            &json!({ "submission": id, "survey": "n", "asks_nps": true }),
        ),
        // The same thing again, whichever sequence says it: only this test knows that a device would not change its mind.
        2 => story::with_data(
            sequence,
            time,
            EventType::SurveyAnswered,
            &answered("q", ("score", json!(submission % 11))),
        ),
        3 => story::with_data(
            sequence,
            time,
            EventType::SurveyAnswered,
            &answered("why", ("comment", json!("Good."))),
        ),
        4 => story::with_data(
            sequence,
            time,
            EventType::SurveyEnded,
            &json!({ "submission": id, "survey": "s", "ending": "sent" }),
        ),
        _ => story::with_data(
            sequence,
            time,
            EventType::FeedbackGiven,
            &json!({ "submission": id, "comment": "Hello.", "screen": "docs" }),
        ),
    }
}

const DEVICES: usize = 3;

pub(crate) fn property<S>(fresh: impl AsyncFn() -> (Arc<dyn Store>, S)) {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let said = prop::collection::vec(prop::collection::vec((0_u8..4, 0_u8..6, 0_i64..2_000), 12), DEVICES);
    let deliveries = prop::collection::vec(prop::collection::vec((0..DEVICES, 0_usize..12), 0..8), 0..12);
    runner
        .run(&(said, deliveries), |(said, deliveries)| {
            runtime.block_on(async {
                let (store, _folder) = fresh().await;
                tell(store.as_ref(), &said, &deliveries).await
            })
        })
        .unwrap();
}

async fn tell(
    store: &dyn Store,
    said: &[Vec<(u8, u8, i64)>],
    deliveries: &[Vec<(usize, usize)>],
) -> Result<(), TestCaseError> {
    let mut devices = Vec::new();
    for person in ["ada", "ada", "charles"] {
        devices.push(story::device(store, person).await);
    }
    let mut arrived = BTreeSet::new();
    for group in deliveries {
        let submissions = group.iter().map(|(device, index)| {
            arrived.insert((*device, *index));
            story::submission(&devices[*device], [read(*index as u64 + 1, said[*device][*index])])
        });
        store.append(submissions.collect()).await.unwrap();
    }
    let heard = store.heard(Timestamp::MIN, Timestamp::MAX).await.unwrap();
    let (again, exposures) = store.hear_again().await.unwrap();
    prop_assert_eq!(&heard, &again);
    let mut known = BTreeMap::new();
    for device in &devices {
        let exposures = store.exposures(device.person).await.unwrap();
        if exposures != Exposures::default() {
            known.insert(device.person, exposures);
        }
    }
    prop_assert_eq!(&known, &exposures);
    // Counted apart from any of our code: sets of what arrived.
    let (mut answers, mut endings, mut feedback) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut last: BTreeMap<PersonKey, (Timestamp, Option<Timestamp>)> = BTreeMap::new();
    for (device, index) in arrived {
        let (submission, what, hours) = said[device][index];
        let time = story::now() - SignedDuration::from_hours(hours);
        match what {
            0 | 1 => {
                let nps = (what == 1).then_some(time);
                let known = last.entry(devices[device].person).or_insert((time, nps));
                *known = (known.0.max(time), known.1.max(nps));
            }
            2 | 3 => drop(answers.insert((device, submission, what))),
            4 => drop(endings.insert((device, submission))),
            _ => drop(feedback.insert((device, submission))),
        }
    }
    let Heard { answers: said_answers, endings: said_endings, feedback: said_feedback, .. } = heard;
    prop_assert_eq!(said_answers.len(), answers.len());
    prop_assert_eq!(said_endings.len(), endings.len());
    prop_assert_eq!(said_feedback.len(), feedback.len());
    let last: BTreeMap<_, _> =
        last.into_iter().map(|(person, (any, nps))| (person, Exposures { any: Some(any), nps })).collect();
    prop_assert_eq!(known, last);
    Ok(())
}

async fn send(store: &dyn Store, device: &Device, reads: Vec<Read>) {
    store.append(vec![story::submission(device, reads)]).await.unwrap();
}

pub(crate) async fn once(store: &dyn Store) {
    let (ada, laptop) = (story::device(store, "ada").await, story::device(store, "ada").await);
    let charles = story::device(store, "charles").await;
    let shown = |sequence, hours, nps: u8| read(sequence, (0, nps, hours));
    send(store, &ada, vec![shown(1, 500, 1), shown(2, 100, 0)]).await;
    send(store, &laptop, vec![shown(1, 300, 1)]).await;
    let at = |hours| Some(story::now() - SignedDuration::from_hours(hours));
    // Asked on one device, known on all.
    assert_eq!(store.exposures(laptop.person).await.unwrap(), Exposures { any: at(100), nps: at(300) });
    assert_eq!(store.exposures(charles.person).await.unwrap(), Exposures::default());

    // The answers of a submission that were sent again under other sequences, after a restore of the outbox.
    let sent =
        |first: u64| [2, 3, 4].into_iter().zip(first..).map(|(what, sequence)| read(sequence, (7, what, 1)));
    send(store, &ada, sent(3).chain(sent(6)).collect()).await;
    send(store, &charles, sent(1).collect()).await;
    let heard = store.heard(Timestamp::MIN, Timestamp::MAX).await.unwrap();
    assert_eq!((heard.answers.len(), heard.endings.len()), (4, 2));
    assert!(heard.endings.iter().all(|ended| ended.ending == Ending::Sent));
    assert!(matches!(&heard.answers[1].answer, Answer::Text { text } if text == "Good."));
    let second = SignedDuration::from_secs(1);
    assert_eq!(store.heard(story::now(), story::now() + second).await.unwrap(), heard);
    assert_eq!(store.heard(story::now() - second, story::now()).await.unwrap(), Heard::default());
}
