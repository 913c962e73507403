//! What any store does, step by step.

use firstlight_contract::hub::{Refusal, Verdict};
use firstlight_domain::registry::EventType;
use firstlight_hub::{
    audit::By,
    ingest::{
        Event, Read, Refused,
        event::{Began, Run, RunPart},
    },
    insights::story::said,
    secrets::{Hash, hash_code, hash_token},
    store::{Device, DeviceKey, Enrolling, Enrolment, Store, Submission},
};
use jiff::{SignedDuration, Timestamp, civil::date, tz::TimeZone};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

/// Whoever does what the story tells.
pub(crate) fn by() -> By {
    By::account("ada", now())
}

fn later(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

fn enrolment(code: Hash, device: u128, token: &str) -> Enrolment {
    let device = Uuid::from_u128(device);
    Enrolment { code, device, token: hash_token(token), expires_at: later(24), now: now() }
}

/// A device of somebody.
pub(crate) async fn device(store: &dyn Store, person: &str) -> Device {
    device_by(store, &by(), person).await
}

/// The same, with a code that somebody else made.
pub(crate) async fn device_by(store: &dyn Store, by: &By, person: &str) -> Device {
    let count = store.devices().await.unwrap().len();
    let (code, token) = (hash_code(&format!("CODE{count}")), format!("token {count}"));
    store.add_code(by, code, Some(person), later(1)).await.unwrap();
    let id = 1_000 + count as u128;
    assert_eq!(store.enrol(enrolment(code, id, &token)).await.unwrap(), Enrolling::Done);
    store.device(hash_token(&token)).await.unwrap().unwrap()
}

pub(crate) async fn admission(store: &dyn Store) {
    let code = |text: &str| hash_code(text);
    store.add_code(&by(), code("one"), Some("ada"), later(1)).await.unwrap();
    store.add_code(&by(), code("two"), Some("Ada "), later(1)).await.unwrap();
    store.add_code(&by(), code("three"), Some("charles"), later(1)).await.unwrap();
    store.add_code(&by(), code("four"), None, later(1)).await.unwrap();
    store.add_code(&by(), code("late"), None, now()).await.unwrap();

    for (shown, id, token, outcome) in [
        ("none", 1, "a", Enrolling::NoSuchCode),
        ("late", 1, "a", Enrolling::NoSuchCode),
        ("one", 1, "a", Enrolling::Done),
        ("one", 2, "b", Enrolling::NoSuchCode),
        ("three", 1, "c", Enrolling::SomebodyElses),
        ("two", 1, "d", Enrolling::Done),
        // The code that was shown for somebody else's device still counts.
        ("three", 2, "e", Enrolling::Done),
        ("four", 3, "f", Enrolling::Done),
    ] {
        assert_eq!(store.enrol(enrolment(code(shown), id, token)).await.unwrap(), outcome, "{shown}");
    }
    assert_eq!(store.device(hash_token("a")).await.unwrap(), None, "it was replaced");
    let devices = store.devices().await.unwrap();
    let people: std::collections::BTreeSet<_> = devices.iter().map(|device| device.person).collect();
    assert_eq!((devices.len(), people.len()), (3, 3));

    let found = store.device(hash_token("d")).await.unwrap().unwrap();
    assert_eq!((found.id, found.enrolled_at), (Uuid::from_u128(1), now()));
    assert!(found.counts(now()) && !found.counts(later(24)));
    assert!(store.revoke(&by(), found.id).await.unwrap());
    assert!(!store.revoke(&by(), Uuid::from_u128(99)).await.unwrap());
    assert!(!store.device(hash_token("d")).await.unwrap().unwrap().counts(now()));
    store.check_writable().await.unwrap();
}

/// A step changed.
pub(crate) fn event(sequence: u64, time: &str) -> Read {
    of_kind(sequence, time.parse().unwrap(), EventType::StepChanged)
}

pub(crate) fn of_kind(sequence: u64, time: Timestamp, kind: EventType) -> Read {
    let id = Uuid::from_u128(sequence.into());
    let mut event = Event {
        sequence,
        id,
        kind,
        time,
        recorded: time,
        began: None,
        run: None,
        said: None,
        data: "{}".to_owned(),
    };
    if let Some((run, data)) = run_of(sequence, kind) {
        (event.run, event.data) = (Some(run), data.to_string());
    }
    Read { id: Some(id.to_string()), sequence: Some(sequence), event: Ok(event) }
}

/// One that says this.
pub(crate) fn with_data(sequence: u64, time: Timestamp, kind: EventType, data: &Value) -> Read {
    let mut read = of_kind(sequence, time, kind);
    if let Ok(event) = &mut read.event {
        let text_of = |name: &str| data[name].as_str();
        event.data = data.to_string();
        event.said = said(kind, text_of);
        event.began = (kind == EventType::JourneyStarted).then(|| Began {
            journey: Uuid::try_parse(text_of("journey").unwrap()).unwrap(),
            persona: text_of("persona").unwrap().to_owned(),
        });
    }
    read
}

/// Four runs a device, of two releases; so each begins and ends more than once, or only one of them.
pub(crate) fn run_of(sequence: u64, kind: EventType) -> Option<(Run, Value)> {
    let id = Uuid::from_u128(u128::from(sequence % 4));
    let version = if sequence % 4 < 2 { "1.0.0" } else { "2.0.0" };
    let failed = sequence.is_multiple_of(3);
    let (part, data) = match kind {
        EventType::RunStarted => (
            RunPart::Began { pack: "acme".to_owned(), version: version.to_owned() },
            json!({ "run": id, "pack": "acme", "pack_version": version }),
        ),
        EventType::RunFinished => (
            RunPart::Ended { failed },
            json!({ "run": id, "end": if failed { "failed" } else { "completed" } }),
        ),
        _ => return None,
    };
    Some((Run { id, part }, data))
}

/// A journey began.
pub(crate) fn began(sequence: u64, time: Timestamp, persona: &str) -> Read {
    let data = json!({ "journey": Uuid::from_u128(sequence.into()), "persona": persona });
    with_data(sequence, time, EventType::JourneyStarted, &data)
}

fn refused(sequence: u64) -> Read {
    let event = Err(Refused { reason: Refusal::UnregisteredType, message: "no".to_owned() });
    Read { id: None, sequence: Some(sequence), event }
}

pub(crate) fn submission(device: &Device, reads: impl IntoIterator<Item = Read>) -> Submission {
    Submission {
        device: device.key,
        person: device.person,
        sent: None,
        received: now(),
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        events: reads.into_iter().collect(),
    }
}

pub(crate) async fn settling(store: &dyn Store) {
    use Verdict::{Accepted, Duplicate};
    let (ada, charles) = (device(store, "ada").await, device(store, "charles").await);
    let at = |sequence| event(sequence, "2026-11-26T09:00:00Z");
    let no = || Verdict::Refused { reason: Refusal::UnregisteredType, message: "no".to_owned() };
    // In one group: a sequence twice in a batch and again in the next, and the same sequences of another device.
    let group = vec![
        submission(&ada, [at(1), at(1), refused(2), at(5)]),
        submission(&ada, [at(5), at(4), refused(2), at(2)]),
        submission(&charles, [at(1)]),
        submission(&charles, []),
    ];
    let verdicts = store.append(group).await.unwrap();
    assert_eq!(verdicts[0], [Accepted, Duplicate, no(), Accepted]);
    assert_eq!(verdicts[1], [Duplicate, Accepted, no(), Duplicate]);
    assert_eq!(verdicts[2], [Accepted]);
    assert_eq!(verdicts[3], []);
    let progress = store.progress(ada.key).await.unwrap();
    assert_eq!((progress.marks.high(), progress.marks.gaps()), (5, &[(3, 3)][..]));
    assert_eq!((progress.accepted, progress.refused), (3, 1));
    assert_eq!(store.append(vec![submission(&ada, [at(3), at(6)])]).await.unwrap(), [[Accepted, Accepted]]);
    assert_eq!(store.progress(ada.key).await.unwrap().marks.gaps(), []);
    assert_eq!(store.rollups().await.unwrap().events.values().sum::<u64>(), 6);

    // A device that is not there any more does not spoil its group.
    let gone = Device { key: DeviceKey(9_999), ..charles.clone() };
    let group = vec![submission(&gone, [at(1), refused(2)]), submission(&charles, [at(2)])];
    let verdicts = store.append(group).await.unwrap();
    assert_eq!((verdicts[0].len(), &verdicts[1][..]), (2, &[Accepted][..]));
    let is_refused = |one: &Verdict| matches!(one, Verdict::Refused { reason: Refusal::ForeignSource, .. });
    assert!(verdicts[0].iter().all(is_refused), "{verdicts:?}");
    assert_eq!(store.rollups().await.unwrap(), store.recount().await.unwrap());
}

pub(crate) async fn days(store: &dyn Store) {
    let (ada, laptop) = (device(store, "ada").await, device(store, "ada").await);
    let charles = device(store, "charles").await;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let group = vec![
        // 23:30 UTC is the next day in Berlin.
        submission(&ada, [event(1, "2026-11-24T23:30:00Z"), event(2, "2026-11-25T10:00:00Z")]),
        submission(&laptop, [event(1, "2026-11-25T11:00:00Z")]),
        submission(&charles, [of_kind(1, at("2026-11-25T11:00:00Z"), EventType::ReleaseReceived)]),
    ];
    store.append(group).await.unwrap();
    let before = store.rollups().await.unwrap();
    assert_eq!(before.people.len(), 1);
    let day = date(2026, 11, 25);
    assert_eq!(
        before.people[&day].len(),
        1,
        "two devices of one person, and a machine that did something by itself"
    );
    assert_eq!(before.events[&(day, EventType::StepChanged)], 3);
    assert_eq!(before.events[&(day, EventType::ReleaseReceived)], 1);
    assert!(before.personas.is_empty());

    // Late: what happened before is counted where it happened, and says whom the day was of.
    let late = vec![
        submission(&charles, [event(2, "2026-11-25T12:00:00Z")]),
        submission(&ada, [began(3, at("2026-11-20T09:00:00Z"), "backend")]),
        submission(&laptop, [began(2, at("2026-11-26T09:00:00Z"), "data")]),
    ];
    store.append(late).await.unwrap();
    let after = store.rollups().await.unwrap();
    assert_eq!(after.people[&day].len(), 2);
    let of =
        |day, persona: &str| after.personas.get(&(day, persona.to_owned())).map(roaring::RoaringBitmap::len);
    assert_eq!(of(date(2026, 11, 20), "backend"), Some(1));
    assert_eq!(of(day, "backend"), Some(1));
    assert_eq!(of(day, "data"), None);
    assert_eq!((of(date(2026, 11, 26), "data"), of(date(2026, 11, 26), "backend")), (Some(1), None));
    assert_eq!(store.recount().await.unwrap(), after);
}
