//! G6: somebody is handed over and erased, whole; and every table is known to hold something of people, or nothing.

use std::collections::BTreeSet;

use firstlight_contract::hub::{Refusal, Verdict};
use firstlight_domain::registry::{EventType, EventType as T};
use firstlight_hub::{
    audit::{Act, Actor, By, Named},
    ingest::{Read, event::read},
    secrets::{hash_code, hash_token},
    signals::{Signal, SignalKind},
    store::{
        Device, DeviceKey, Enrolment, PersonKey, Store,
        people::{Erasing, Rows, TABLES, Whom},
        sessions::{NewSession, Whose},
        webhooks::{Delivery, News},
    },
    surveys::results,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{clocks::sent, story};

/// Those who stay: enough that some of what they answered is let out together with Ada's.
const OTHERS: [&str; 7] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6"];
/// The number of an event of Ada's machines that has not arrived.
const MISSING: u64 = 15;
/// What only Ada has written.
pub(crate) const WORDS: [&str; 3] = ["ada-thinks-so", "ada-feels-so", "Ada-Lovelace-signed"];

pub(crate) fn name(name: &str) -> Whom {
    Whom::Name(name.to_owned())
}

/// An event, as a device sends it.
fn said(device: &Device, sequence: u64, time: Timestamp, kind: EventType, data: &Value) -> Read {
    let id = Uuid::from_u64_pair(device.id.as_u64_pair().1, sequence);
    let event = json!({
        "specversion": "1.0", "id": id, "source": device.source(), "type": kind.name(), "time": time,
        "recordedtime": time, "sequence": format!("{sequence:016}"), "datacontenttype": "application/json",
        "data": data,
    });
    let read = read(&event.to_string(), &device.source());
    assert!(read.event.is_ok(), "{read:?}");
    read
}

fn id(device: &Device, number: u128) -> Uuid {
    Uuid::from_u128((device.id.as_u128() << 32) + number)
}

/// A first day on which everything happens that is told of.
pub(crate) fn life(device: &Device, from: Timestamp, score: u8, words: [&str; 3]) -> Vec<Read> {
    let (journey, run) = (id(device, 1), id(device, 2));
    let [submission, other, third, request] = [3, 4, 5, 6].map(|number| id(device, number));
    let asked = json!({
        "request": request, "journey": journey, "step": "vpn", "title": "Ask for VPN", "owner": "it-helpdesk",
        "sla": "4 business hours", "signed_name": words[2],
    });
    let release = |mut data: Value| {
        data["pack"] = "acme".into();
        data["pack_version"] = "1.0.0".into();
        data
    };
    let step = |state: &str| json!({ "journey": journey, "run": run, "step": "git", "state": state });
    let answered = |question: &str, more: Value| {
        let mut data = json!({ "submission": submission, "survey": "way", "question": question });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let told = [
        (
            T::JourneyStarted,
            release(json!({ "journey": journey, "persona": "backend", "clock": "first_launch" })),
        ),
        (T::RunStarted, release(json!({ "run": run }))),
        (T::StepChanged, step("running")),
        (T::StepChanged, step("failed")),
        (T::StepChanged, step("changed")),
        (T::RunFinished, json!({ "run": run, "end": "failed" })),
        (T::FirstValueReached, json!({ "journey": journey, "seconds": 600 })),
        (T::SurveyShown, json!({ "submission": submission, "survey": "way", "asks_nps": true })),
        (T::SurveyAnswered, answered("likely", json!({ "question_kind": "nps", "score": score }))),
        (T::SurveyAnswered, answered("why", json!({ "question_kind": "text", "comment": words[0] }))),
        (T::SurveyEnded, json!({ "submission": submission, "survey": "way", "ending": "sent" })),
        (T::FeedbackGiven, json!({ "submission": other, "comment": words[1] })),
        (T::FeedbackGiven, json!({ "submission": third, "comment": "Signed.", "signed_name": words[2] })),
        (T::RequestOpened, asked),
    ];
    (1..)
        .zip(told)
        .map(|(sequence, (kind, data))| {
            let minutes = i64::try_from(sequence).unwrap();
            said(device, sequence, from + SignedDuration::from_mins(minutes), kind, &data)
        })
        .collect()
}

pub(crate) async fn signal(store: &dyn Store, number: &str, kind: SignalKind, who: &str, at: Timestamp) {
    let signal = Signal {
        id: number.to_owned(),
        kind,
        subject: "forge".to_owned(),
        who: Some(who.to_owned()),
        at,
        ok: number.len().is_multiple_of(2),
    };
    let day = at.to_string()[..10].parse().unwrap();
    store.take_signals("portal", vec![(signal, day)], story::now()).await.unwrap();
}

/// A company, with Ada or without. Her devices, if there is one.
async fn company(store: &dyn Store, ada: bool) -> Vec<Device> {
    let yesterday = story::now() - SignedDuration::from_hours(26);
    let mut others = Vec::new();
    for person in OTHERS {
        others.push(story::device(store, person).await);
    }
    signal(store, "s1", SignalKind::ServiceUsed, "zoe", yesterday).await;
    signal(store, "s2", SignalKind::ServiceUsed, "p0", yesterday).await;
    signal(store, "s3", SignalKind::ChangeMerged, "p1", yesterday).await;
    let mut hers = Vec::new();
    if ada {
        hers = vec![story::device(store, "ada").await, story::device(store, "ada").await];
        store.add_code(&story::by(), hash_code("UNUSED"), Some("ada"), story::now()).await.unwrap();
        signal(store, "a1", SignalKind::ChangeMerged, "github:ada", yesterday).await;
        assert!(store.grant(&story::by(), "ada", &"viewer".parse().unwrap()).await.unwrap());
        let expires_at = story::now() + SignedDuration::from_hours(1);
        store.add_access(&story::by(), "ada", hash_token("of ada"), expires_at).await.unwrap();
        let session = NewSession { token: hash_token("signed in"), at: story::now(), expires_at };
        assert!(store.begin_session(Whose::Bearer(hash_token("of ada")), session).await.unwrap());
        let person = Named::Person { key: hers[0].person };
        let by = By { actor: Actor::Person { person }, at: story::now() };
        assert!(store.add_integration(&by, "hers", hash_token("hers")).await.unwrap());
        assert!(store.add_alias(&story::by(), "ada", "github:ada").await.unwrap());
        signal(store, "a22", SignalKind::ServiceUsed, "github:ada", yesterday).await;
        signal(store, "a3", SignalKind::ServiceUsed, "Ada", story::now()).await;
    }
    for (number, device) in (0_u8..).zip(&others) {
        let words = format!("{number} thinks so");
        // A clock that is wrong leaves no trace in what is known.
        let ahead = SignedDuration::from_hours(i64::from(number % 2));
        let events = life(device, yesterday + ahead, number + 4, [&words, &words, &words]);
        store.append(vec![sent(story::submission(device, events), ahead)]).await.unwrap();
        if number == 2 {
            for device in &hers {
                // The latest of all; and on a day of her own. One event is still on its way.
                let behind = SignedDuration::from_hours(-3);
                let by_her_clock = story::now() - SignedDuration::from_hours(2) + behind;
                let mut events = life(device, by_her_clock, 9, WORDS);
                let step = json!({ "journey": id(device, 1), "step": "git", "state": "waiting" });
                let at = by_her_clock + SignedDuration::from_hours(1);
                events.push(said(device, MISSING + 1, at, T::StepChanged, &step));
                store.append(vec![sent(story::submission(device, events), behind)]).await.unwrap();
            }
        }
    }
    tell_others(store).await;
    hers
}

/// Puts what others are told of each request into the queue.
async fn tell_others(store: &dyn Store) {
    for News { request, happening, at } in store.news().await.unwrap() {
        let body = json!({ "name": request.name }).to_string();
        let (id, target, person) = (request.id, "chat".to_owned(), request.person);
        let delivery = Delivery { id, target, request: id, person, body, made: at, attempts: 0 };
        store.queue_webhooks(id, happening, vec![delivery]).await.unwrap();
    }
}

/// Ada, whose devices these were, is gone without a trace.
#[derive(Debug)]
pub(crate) struct Gone {
    pub(crate) person: PersonKey,
    pub(crate) devices: Vec<DeviceKey>,
    /// What may not be found anywhere any more.
    pub(crate) traces: Vec<Vec<u8>>,
}

/// Erases somebody from one store, and compares it with another that never knew them. `before` comes before the erase.
pub(crate) async fn erasing(store: &dyn Store, other: &dyn Store, before: impl AsyncFn()) -> Gone {
    let hers = company(store, true).await;
    before().await;
    company(other, false).await;
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let all = (Timestamp::MIN, Timestamp::MAX);
    let let_out = results(&store.heard(all.0, all.1).await.unwrap());
    assert_eq!(let_out[0].questions[0].n, 5, "Ada and four others");

    let export = store.export(&story::by(), &name("github:ada")).await.unwrap().unwrap();
    let mut by_number =
        store.export(&story::by(), &Whom::Number(PersonKey(export.person))).await.unwrap().unwrap();
    // Having looked is in the log, too.
    for table in ["audit", "audit_name"] {
        assert_eq!(by_number.tables[table].len(), export.tables[table].len() + 1);
        by_number.tables.insert(table, export.tables[table].clone());
    }
    assert_eq!(by_number, export);
    for table in TABLES {
        let of_people = !matches!(table.rows, Rows::Sums | Rows::Nobodys);
        let rows = export.tables.get(table.name);
        assert_eq!(rows.is_some(), of_people, "{}", table.name);
        assert!(rows.is_none_or(|rows| !rows.is_empty()), "nothing of {} is handed over", table.name);
    }
    whole(&serde_json::to_value(&export).unwrap(), &hers);
    assert_eq!(store.export(&story::by(), &name("nobody")).await.unwrap(), None);
    let nobody = name("nobody");
    let erased = store.erase(&story::by(), &[name("ada"), nobody.clone()], &berlin).await.unwrap();
    assert_eq!(erased, Erasing::Unknown(nobody));
    assert!(store.export(&story::by(), &name("ada")).await.unwrap().is_some(), "all or none");

    let erased = store.erase(&story::by(), &[name("Ada ")], &berlin).await.unwrap();
    assert!(matches!(erased, Erasing::Done(rows) if rows > 50), "{erased:?}");
    assert_eq!(store.export(&story::by(), &name("ada")).await.unwrap(), None);
    assert_eq!(store.export(&story::by(), &name("github:ada")).await.unwrap(), None);

    // The hub's own log still has what was done, by whom and about whom it does not say; and it verifies.
    let log = store.audit_log().await.unwrap();
    assert_eq!(log.verify(None).unwrap().flaw, None);
    let records: Vec<_> = log.records().into_iter().map(Result::unwrap).collect();
    let erased = Actor::Person { person: Named::Erased };
    assert!(
        records
            .iter()
            .any(|one| one.by == erased && one.act == Act::IntegrationMade { name: "hers".to_owned() })
    );
    assert!(records.iter().any(|one| one.act == Act::PersonExported { person: Named::Erased }));
    assert_eq!(records.last().unwrap().act, Act::PeopleErased { people: 1 });
    assert_eq!(store.asker(hash_token("of ada"), story::now()).await.unwrap(), None);

    // Everything else is as if she had never been.
    let rollups = store.rollups().await.unwrap();
    assert_eq!(rollups, other.rollups().await.unwrap());
    assert_eq!(rollups, store.recount().await.unwrap());
    let known = store.known().await.unwrap();
    assert_eq!(known, other.known().await.unwrap());
    assert_eq!(known, store.known_from_log().await.unwrap());
    let signals = store.signal_counts().await.unwrap();
    assert_eq!(signals, other.signal_counts().await.unwrap());
    assert_eq!(signals, store.recount_signals().await.unwrap());
    assert_eq!(store.devices().await.unwrap(), other.devices().await.unwrap());
    // What was let out stays what it was.
    assert_eq!(results(&store.heard(all.0, all.1).await.unwrap()), let_out);

    // What her devices still send is refused; nobody gets her numbers.
    let stale =
        hers.iter().map(|device| story::submission(device, [story::event(99, "2026-11-26T09:00:00Z")]));
    let verdicts = store.append(stale.collect()).await.unwrap();
    let refused = |one: &Verdict| matches!(one, Verdict::Refused { reason: Refusal::ForeignSource, .. });
    assert!(verdicts.iter().flatten().all(refused), "{verdicts:?}");
    assert_eq!(store.rollups().await.unwrap(), rollups);
    store.add_code(&story::by(), hash_code("AGAIN"), Some("ada"), story::now()).await.unwrap();
    let again = store.export(&story::by(), &name("ada")).await.unwrap().unwrap();
    assert!(again.person > export.person, "{} {}", again.person, export.person);
    let (code, token) = (hash_code("GRACE"), hash_token("of grace"));
    let expires_at = story::now() + SignedDuration::from_hours(1);
    store.add_code(&story::by(), code, Some("grace"), expires_at).await.unwrap();
    let device = Uuid::from_u128(9_999);
    store.enrol(Enrolment { code, device, token, expires_at, now: story::now() }).await.unwrap();
    let new = store.device(token).await.unwrap().unwrap();
    assert!(hers.iter().all(|device| device.key != new.key && device.person != new.person));

    let mut traces: Vec<Vec<u8>> = WORDS.iter().map(|words| words.as_bytes().to_vec()).collect();
    traces.extend(["token 7", "token 8"].map(|token| hash_token(token).to_vec()));
    for device in &hers {
        let ids = (1..=6).map(|number| id(device, number)).chain([device.id]);
        traces.extend(ids.map(|id| id.as_bytes().to_vec()));
    }
    Gone { person: PersonKey(export.person), devices: hers.iter().map(|device| device.key).collect(), traces }
}

/// What is handed over says what was told, in words.
fn whole(export: &Value, hers: &[Device]) {
    let tables = &export["tables"];
    let events = tables["event"].as_array().unwrap();
    assert_eq!(events.len(), 30);
    let of_first: Vec<&Value> = events.iter().filter(|event| event["device"] == hers[0].key.0).collect();
    let answer = of_first.iter().find(|event| event["data"]["score"] == 9).unwrap();
    assert_eq!(answer["type"], Value::Null);
    assert_eq!(answer["kind"], "dev.firstlight.survey.answered");
    assert_eq!(answer["time"], "2026-11-26T07:09:00Z");
    assert_eq!(answer["happened"], "2026-11-26T10:09:00Z");
    assert_eq!(answer["day"], "2026-11-26");
    let story = &tables["story"][0];
    assert_eq!((&story["persona"], &story["at_once"]), (&json!("backend"), &json!(true)));
    assert_eq!(
        (&story["steps"]["git"]["failures"], &story["steps"]["git"]["doing_ms"]),
        (&json!(1), &json!(60_000))
    );
    assert_eq!(tables["step_story"][0]["told"][1]["phase"], "failing");
    assert_eq!(tables["mark"][0]["high"], MISSING + 1);
    assert_eq!(tables["mark"][0]["gaps"], json!([[MISSING, MISSING]]));
    assert_eq!(tables["mark"][0]["around"], json!([["2026-11-26T10:14:00Z", "2026-11-26T11:00:00Z"]]));
    assert_eq!(
        (&tables["mark"][0]["skew"], &tables["mark"][0]["latest"]),
        (&json!(-10_800_000), &json!("2026-11-26T11:00:00Z"))
    );
    assert_eq!(tables["run"][0]["failed"], true);
    let ids: BTreeSet<&str> =
        tables["device"].as_array().unwrap().iter().map(|device| device["id"].as_str().unwrap()).collect();
    assert!(hers.iter().all(|device| ids.contains(device.id.to_string().as_str())), "{ids:?}");
    assert_eq!(tables["day_people"], json!([{ "day": "2026-11-26" }]));
    assert_eq!(
        tables["service_month"],
        json!([{
            "service": "forge", "month": "2026-11", "days": ["2026-11-25", "2026-11-26"], "uses": 2, "failed": 1,
        }])
    );
    let text = export.to_string();
    for words in WORDS {
        assert!(text.contains(words), "{words}");
    }
}

/// Fails for a table that is not in the list, and for one that is said to be nobody's and has a column of people's.
pub(crate) fn every_table_is_named(columns: &[(String, String)]) {
    let there: BTreeSet<&str> = columns.iter().map(|(table, _)| table.as_str()).collect();
    for table in &there {
        assert!(
            TABLES.iter().any(|known| known.name == *table),
            "say in TABLES of store/people.rs whose the rows of `{table}` are"
        );
    }
    for known in TABLES.iter().filter(|known| known.name != "format") {
        assert!(there.contains(known.name), "there is no table `{}`", known.name);
    }
    for (table, column) in columns {
        let known = TABLES.iter().find(|known| known.name == table).unwrap();
        if ["person", "device", "who", "pseudonym", "journey"].contains(&column.as_str()) {
            assert!(!matches!(known.rows, Rows::Sums | Rows::Nobodys), "`{table}` has `{column}`");
        }
    }
}

/// Whether something is found in bytes: as it is, or as a dump spells it.
pub(crate) fn found(bytes: &[u8], trace: &[u8]) -> bool {
    let has = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let hex: String = trace.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let id = Uuid::from_slice(trace).is_ok_and(|id| has(id.to_string().as_bytes()));
    has(trace) || has(hex.as_bytes()) || id
}
