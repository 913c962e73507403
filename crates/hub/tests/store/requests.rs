//! What others are asked for: once, whatever arrives how often and in which order; answered once, whoever answers at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use firstlight_contract::kpis::KpiAnswer;
use firstlight_domain::{
    registry::EventType,
    request::{Answered, Closing, Reply},
};
use firstlight_hub::{
    ingest::Read,
    insights::{Filter, Insights, Promises},
    requests::{self, calendar::WorkingHours},
    store::{
        Device, Store, Submission,
        requests::{Answering, Request, Which},
    },
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::story::{self, by};

const DEVICES: usize = 3;

fn id(request: u8) -> Uuid {
    Uuid::from_u128(u128::from(request) + 1)
}

/// One thing a device says of one of its requests.
fn read(sequence: u64, (request, what, hours): (u8, u8, i64)) -> Read {
    let time = story::now() - SignedDuration::from_hours(hours);
    let opened = |name: Value| {
        let data = json!({
            "request": id(request), "journey": Uuid::nil(), "step": "vpn", "title": "Ask for VPN", "owner": "it-helpdesk",
            "sla": "4 business hours", "signed_name": name,
        });
        story::with_data(sequence, time, EventType::RequestOpened, &data)
    };
    match what {
        0 => opened(Value::Null),
        1 => opened(json!("Ada")),
        2 => story::with_data(
            sequence,
            time,
            EventType::RequestClosed,
            &json!({ "request": id(request), "end": "granted" }),
        ),
        _ => story::with_data(
            sequence,
            time,
            EventType::RequestClosed,
            &json!({ "request": id(request), "end": "withdrawn" }),
        ),
    }
}

fn hours(holidays: &str) -> WorkingHours {
    let (zone, hours) = ("UTC".to_owned(), "Mon-Fri 09:00-17:00".to_owned());
    WorkingHours { zone, hours, holidays: holidays.to_owned() }
}

async fn all(store: &dyn Store) -> Vec<Request> {
    store.requests(Which::Since(Timestamp::MIN)).await.unwrap()
}

async fn send(store: &dyn Store, device: &Device, reads: Vec<Read>) {
    store.append(vec![story::submission(device, reads)]).await.unwrap();
}

fn answer(reply: Reply, words: &str) -> Answered {
    Answered { reply, words: words.to_owned(), by: "Grace".to_owned(), at: story::now() }
}

/// Something a device asks for, and a no to it.
pub(crate) async fn asked(store: &dyn Store, device: &Device) -> (Uuid, Answered) {
    send(store, device, vec![read(1, (0, 0, 2))]).await;
    (id(0), answer(Reply::Refused, "No."))
}

pub(crate) fn property<S>(fresh: impl AsyncFn() -> (Arc<dyn Store>, S)) {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The same few requests on every device: what one says of another's is not heard.
    let said = prop::collection::vec(prop::collection::vec((0_u8..4, 0_u8..4, -9_i64..90), 12), DEVICES);
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
    store.keep_calendar(&hours(""), story::now() - SignedDuration::from_hours(1)).await.unwrap();
    let mut devices = Vec::new();
    for person in ["ada", "ada", "charles"] {
        devices.push(story::device(store, person).await);
    }
    let mut arrived = BTreeSet::new();
    // Counted apart from any of our code: whose each request is, what opened it, and the last name by number.
    let mut whose: BTreeMap<u8, usize> = BTreeMap::new();
    let mut names: BTreeMap<u8, (usize, bool)> = BTreeMap::new();
    let mut ended: BTreeMap<u8, u8> = BTreeMap::new();
    for group in deliveries {
        let mut submissions = Vec::new();
        for (device, index) in group {
            let (request, what, _) = said[*device][*index];
            submissions
                .push(story::submission(&devices[*device], [read(*index as u64 + 1, said[*device][*index])]));
            if !arrived.insert((*device, *index)) || *whose.entry(request).or_insert(*device) != *device {
                continue;
            }
            match what {
                0 | 1 => {
                    let known = names.entry(request).or_insert((*index, what == 1));
                    *known = (*known).max((*index, what == 1));
                }
                _ => {
                    ended.entry(request).or_insert(what);
                }
            }
        }
        store.append(submissions).await.unwrap();
    }
    let known = all(store).await;
    prop_assert_eq!(&known, &store.ask_again().await.unwrap());
    let open: Vec<Request> = known.iter().filter(|request| request.is_open()).cloned().collect();
    prop_assert_eq!(store.requests(Which::Open).await.unwrap(), open);
    prop_assert_eq!(
        known.iter().map(|request| request.id).collect::<BTreeSet<_>>(),
        names.keys().map(|one| id(*one)).collect()
    );
    for (request, (_, named)) in names {
        let found = store.request(id(request)).await.unwrap().unwrap();
        prop_assert_eq!(found.device, devices[whose[&request]].key);
        prop_assert_eq!(found.name.is_some(), named);
        let closing =
            ended.get(&request).map(|what| if *what == 2 { Closing::Granted } else { Closing::Withdrawn });
        prop_assert_eq!(found.ended.map(|(closing, _)| closing), closing);
        prop_assert!(found.asked <= found.received);
        prop_assert_eq!(found.calendar, Some(1));
    }
    Ok(())
}

pub(crate) async fn once(store: &dyn Store) {
    let (ada, charles) = (story::device(store, "ada").await, story::device(store, "charles").await);
    send(store, &ada, vec![read(1, (0, 0, 2)), read(2, (1, 1, 1))]).await;
    send(store, &charles, vec![read(1, (2, 0, 1)), read(2, (0, 3, 0))]).await;
    let [first, second, third] = &all(store).await[..] else { panic!("three requests") };
    assert_eq!((first.id, first.person, first.owner.as_str()), (id(0), ada.person, "it-helpdesk"));
    assert_eq!((first.ended, third.device), (None, charles.key), "nobody withdraws what another asked for");
    assert_eq!(
        (second.name.as_deref(), second.calendar),
        (Some("Ada"), None),
        "there were no working hours yet"
    );

    // The name was told later, and then the older word arrived.
    send(store, &ada, vec![read(4, (0, 1, 0))]).await;
    send(store, &ada, vec![read(3, (0, 0, 0))]).await;
    assert_eq!(store.request(id(0)).await.unwrap().unwrap().name.as_deref(), Some("Ada"));
    assert_eq!(store.answered_requests(ada.key).await.unwrap(), []);

    let refused = answer(Reply::Refused, "Not before Monday.");
    let Answering::Done(told) = store.answer_request(&by(), id(0), &refused).await.unwrap() else {
        panic!("it was open");
    };
    assert_eq!(told.answered.as_ref(), Some(&refused));
    assert_eq!(
        store.answer_request(&by(), id(0), &answer(Reply::Done, "")).await.unwrap(),
        Answering::Settled
    );
    assert_eq!(store.answer_request(&by(), Uuid::max(), &refused).await.unwrap(), Answering::NoSuch);
    assert_eq!(store.answered_requests(ada.key).await.unwrap(), [*told]);
    assert_eq!(store.answered_requests(charles.key).await.unwrap(), []);

    // Seen to be there before anybody answered.
    send(store, &ada, vec![read(5, (1, 2, 0))]).await;
    assert_eq!(store.answer_request(&by(), id(1), &refused).await.unwrap(), Answering::Settled);
    let open: Vec<Uuid> =
        store.requests(Which::Open).await.unwrap().into_iter().map(|request| request.id).collect();
    assert_eq!(open, [id(2)]);
    assert_eq!(all(store).await, store.ask_again().await.unwrap());
}

/// The journey begins in which all of it happens.
fn began() -> Read {
    let data = json!({ "journey": Uuid::nil(), "persona": "data" });
    story::with_data(1, story::now() - SignedDuration::from_hours(200), EventType::JourneyStarted, &data)
}

/// How what was promised was kept, told from what is kept and from the log.
pub(crate) async fn levels(store: &dyn Store) {
    let ago = |hours: i64| story::now() - SignedDuration::from_hours(hours);
    store.keep_calendar(&hours(""), ago(200)).await.unwrap();
    let names = ["ada", "barbara", "charles", "dorothy", "evelyn", "fran", "grace", "hedy", "ida"];
    let mut answered = 0;
    for (person, name) in (0_u8..).zip(names) {
        let device = story::device(store, name).await;
        // Of three one is answered, one is granted, and one is not needed any more.
        let mut told = vec![began(), read(2, (person, 1, 190))];
        told.extend((person % 3 != 0).then(|| read(3, (person, 1 + person % 3, 180))));
        let submission = story::submission(&device, told);
        store.append(vec![Submission { received: ago(i64::from(person) * 20), ..submission }]).await.unwrap();
        let done = store.answer_request(&by(), id(person), &answer(Reply::Done, "")).await.unwrap();
        answered += u32::from(matches!(done, Answering::Done(_)));
    }
    let calendars = requests::calendars(store).await.unwrap();
    let insights = Insights::of(store.known().await.unwrap(), &TimeZone::UTC, story::now());
    let sla = |requests: &[Request]| {
        insights.sla(&Filter::default(), &Promises::of(requests, &calendars), story::now())
    };
    let (kept, counted) = (sla(&all(store).await), sla(&store.ask_again().await.unwrap()));
    assert_eq!(kept, counted);
    assert_eq!((kept.owners.len(), answered), (1, 3));
    let KpiAnswer::Known { counts, .. } = &kept.overall.answer else { panic!("{kept:?}") };
    // Two of those that were answered had waited for days.
    assert_eq!((counts.n, counts.n_events, counts.n_censored), (6, 4, 0));
}

pub(crate) async fn calendars(store: &dyn Store) {
    let (ada, now) = (story::device(store, "ada").await, story::now());
    let second = SignedDuration::from_secs(1);
    let keep = async |holidays: &str, at| store.keep_calendar(&hours(holidays), at).await.unwrap();
    assert_eq!(keep("", now - SignedDuration::from_hours(48)).await, 1);
    assert_eq!(keep("", now - SignedDuration::from_hours(24)).await, 1, "the same as before");
    send(store, &ada, vec![read(1, (0, 0, 2))]).await;
    assert_eq!(keep("2026-11-27", now + second).await, 2);
    let mut later = story::submission(&ada, [read(2, (1, 0, 2))]);
    later.received = now + second;
    store.append(vec![later]).await.unwrap();
    assert_eq!(keep("", now + second + second).await, 3, "as before, but again");
    let versions: Vec<_> = all(store).await.iter().map(|request| request.calendar).collect();
    assert_eq!(versions, [Some(1), Some(2)], "a promise keeps the working hours it was given under");
    assert_eq!(
        store.calendars().await.unwrap().into_values().collect::<Vec<_>>(),
        [hours(""), hours("2026-11-27"), hours("")]
    );
    assert_eq!(all(store).await, store.ask_again().await.unwrap());
}

/// Many answer at once: one of them counts.
pub(crate) async fn raced(store: Arc<dyn Store>) {
    let ada = story::device(store.as_ref(), "ada").await;
    send(store.as_ref(), &ada, vec![read(1, (0, 0, 2))]).await;
    let mut answering = tokio::task::JoinSet::new();
    for words in 0..8 {
        let store = Arc::clone(&store);
        let answered = answer(Reply::Refused, &words.to_string());
        answering.spawn(async move { store.answer_request(&by(), id(0), &answered).await.unwrap() });
    }
    let done: Vec<Request> = answering
        .join_all()
        .await
        .into_iter()
        .filter_map(|one| match one {
            Answering::Done(request) => Some(*request),
            Answering::NoSuch | Answering::Settled => None,
        })
        .collect();
    assert_eq!(done, all(store.as_ref()).await);
}
