//! Sending everything to the hub, and asking it for its figures.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use firstlight_contract::hub::{BATCH as BATCH_TYPE, BatchAnswer, Verdict};
use firstlight_domain::{id::TeamId, registry::EventType};
use firstlight_hub::{
    audit::By,
    secrets::{hash_code, hash_token},
    signals::{Signal, SignalKind},
    store::{Enrolling, Enrolment, Store},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use reqwest::Client;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::company::{BATCH, Event, PEOPLE, body, of_person};

/// How many batches are under way at once.
const AT_ONCE: usize = 16;
/// How often each figure is asked for in a turn.
const ASKED: usize = 100;
/// What a page asks for, the narrower ones as well.
const FIGURES: [&str; 20] = [
    "filters",
    "summary",
    "summary?persona=data",
    "summary?team=team-03",
    "ttfv?by=persona",
    "ttfv?by=release",
    "ttfv?by=team&value=merged",
    "steps",
    "steps?persona=data",
    "steps?team=team-03",
    "funnel",
    "activity",
    "activity?persona=data",
    "activity?team=team-03",
    "services",
    "services?persona=data",
    "services?team=team-03",
    "surveys",
    "retrospective?pack=acme&release=2.1.0&before=2.0.0",
    "completeness",
];

/// With which figures are asked for.
const VIEWER: &str = "a viewer's token";

/// A machine's id and token.
pub(crate) type Machine = (Uuid, String);

/// How many teams there are, and services.
const TEAMS: usize = 40;
const SERVICES: usize = 20;
/// How many days services were used for.
const USED: i64 = 120;

/// Lets everybody's machine in, and somebody see figures; each person is of a team, merges changes and uses services.
pub(crate) async fn enrol(store: &dyn Store) -> Vec<Machine> {
    let now = Timestamp::now();
    let expires_at = now + SignedDuration::from_hours(24);
    let by = By::account("bench", now);
    let mut machines = Vec::new();
    for person in 0..PEOPLE {
        let (code, token) = (hash_code(&person.to_string()), format!("token {person}"));
        let device = Uuid::from_u128(person as u128 + 1);
        store.add_code(&by, code, Some(&name(person)), expires_at).await.unwrap();
        let team = TeamId::new(&format!("team-{:02}", person * 7 % TEAMS)).unwrap();
        assert!(store.join_by_code(&by, code, &team).await.unwrap());
        let enrolment = Enrolment { code, device, token: hash_token(&token), expires_at, now };
        assert_eq!(store.enrol(enrolment).await.unwrap(), Enrolling::Done);
        machines.push((device, token));
    }
    let said: Vec<(Signal, Date)> = (0..PEOPLE).flat_map(|person| signals(person, now)).collect();
    // All of a service at once: its month is written once for each of these.
    for some in said.chunks(50_000) {
        store.take_signals("bench", some.to_vec(), now).await.unwrap();
    }
    store.grant(&by, "vera", &"viewer".parse().unwrap()).await.unwrap();
    store.add_access(&by, "vera", hash_token(VIEWER), expires_at).await.unwrap();
    machines
}

fn name(person: usize) -> String {
    format!("somebody {person}")
}

/// A third of the services, used on a day in six; and a change a month.
fn signals(person: usize, now: Timestamp) -> Vec<(Signal, Date)> {
    let mut said = Vec::new();
    let mut say = |kind, subject: String, days: i64| {
        let at = now - SignedDuration::from_hours(24 * days);
        let (id, who) = (format!("{person} {subject} {days}"), Some(name(person)));
        let day = TimeZone::UTC.to_datetime(at).date();
        said.push((Signal { id, kind, subject, who, at, ok: days % 7 > 0 }, day));
    };
    for service in (0..SERVICES).filter(|service| (service + person).is_multiple_of(3)) {
        for days in (0..USED).step_by(6) {
            say(SignalKind::ServiceUsed, format!("service-{service:02}"), days);
        }
    }
    for days in (0..USED).step_by(30) {
        say(SignalKind::ChangeMerged, "orders".to_owned(), days);
    }
    said
}

/// What people think: each but the first says how likely they are to recommend it, and closes it.
pub(crate) async fn survey(url: &str, machines: &[Machine], each: usize) {
    let (client, time) = (client(), Timestamp::now());
    for (person, (id, token)) in machines.iter().enumerate().skip(1) {
        let event = |kind: EventType, nth: usize, more: Value| {
            let mut data = json!({ "submission": id, "survey": "recommend" });
            data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({
                "specversion": "1.0", "id": Uuid::from_u64_pair(nth as u64, person as u64), "data": data,
                "source": format!("urn:uuid:{id}"), "type": kind.name(), "time": time, "recordedtime": time,
                "sequence": format!("{:016}", each + nth), "datacontenttype": "application/json",
            })
        };
        let answer = json!({ "question": "recommend", "question_kind": "nps", "score": person % 11 });
        let body = json!([
            event(EventType::SurveyAnswered, 1, answer),
            event(EventType::SurveyEnded, 2, json!({ "ending": "sent" })),
        ]);
        let request =
            client.post(format!("{url}/v1/events")).bearer_auth(token).header("content-type", BATCH_TYPE);
        let answer = request.body(body.to_string()).send().await.unwrap().error_for_status().unwrap();
        let answer: BatchAnswer = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert!(answer.verdicts.iter().all(|one| one.verdict == Verdict::Accepted));
    }
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

async fn send(client: &Client, url: &str, (id, token): &Machine, events: &[Event]) -> u64 {
    let request =
        client.post(format!("{url}/v1/events")).bearer_auth(token).header("content-type", BATCH_TYPE);
    let answer = request.body(body(events, *id)).send().await.unwrap().error_for_status().unwrap();
    let answer: BatchAnswer = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    answer.verdicts.iter().filter(|one| one.verdict == Verdict::Accepted).count() as u64
}

/// Sends what everybody's machine says, `each` of them so many events; gives how many were accepted.
pub(crate) async fn replay(url: &str, machines: &[Machine], each: usize, now: i64) -> u64 {
    let machines: Arc<[Machine]> = machines.into();
    let mut senders = JoinSet::new();
    for sender in 0..AT_ONCE {
        let (machines, client, url) = (Arc::clone(&machines), client(), url.to_owned());
        senders.spawn(async move {
            let mut accepted = 0;
            for (person, machine) in machines.iter().enumerate().skip(sender).step_by(AT_ONCE) {
                for batch in of_person(person, each, now).chunks(BATCH) {
                    accepted += send(&client, &url, machine, batch).await;
                }
            }
            accepted
        });
    }
    let accepted = senders.join_all().await.into_iter().sum();
    assert_eq!(accepted, (PEOPLE * each) as u64, "nothing is lost");
    accepted
}

async fn ask(client: &Client, url: &str, figure: &str) -> (Value, Duration) {
    let begun = Instant::now();
    let request = client.get(format!("{url}/v1/insights/{figure}")).bearer_auth(VIEWER);
    let answer = request.send().await.unwrap();
    let text = answer.error_for_status().unwrap().text().await.unwrap();
    let spent = begun.elapsed();
    (serde_json::from_str(&text).unwrap(), spent)
}

/// What it says of everybody: active people by day, finishers' median by persona, tries and failures by step.
pub(crate) async fn answers(url: &str) -> Value {
    let client = client();
    let list = |of: &Value, key: &str, told: &dyn Fn(&Value) -> (String, Value)| -> Value {
        of[key].as_array().unwrap().iter().map(told).collect::<Map<_, _>>().into()
    };
    let name = |of: &Value| of.as_str().unwrap().to_owned();
    let activity = ask(&client, url, "activity").await.0;
    let ttfv = ask(&client, url, "ttfv?by=persona").await.0;
    let steps = ask(&client, url, "steps").await.0;
    json!({
        "active": list(&activity, "days", &|day| {
            (name(&day["day"]), json!([day["daily"]["value"], day["weekly"]["value"], day["monthly"]["value"]]))
        }),
        "median": list(&ttfv, "groups", &|group| {
            (name(&group["name"]), group["figures"]["naive_median"]["value"].clone())
        }),
        "failures": list(&steps, "steps", &|step| {
            (name(&step["step"]), json!([step["failure"]["n"], step["failure"]["n_events"]]))
        }),
    })
}

/// How long each figure took: of each turn, what 99 in 100 answers were below, in milliseconds; while nothing is new, and just
/// after something was.
pub(crate) async fn figures(url: &str, machines: &[Machine], each: usize, turns: usize) -> Value {
    let client = client();
    let mut sequence = each as u64;
    let mut told = Map::new();
    for figure in FIGURES {
        let (mut quiet, mut changed) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            let (mut known, mut fresh) = (Vec::new(), Vec::new());
            for _ in 0..ASKED {
                sequence += 1;
                assert_eq!(send(&client, url, &machines[0], &[news(sequence)]).await, 1);
                fresh.push(ask(&client, url, figure).await.1);
                known.push(ask(&client, url, figure).await.1);
            }
            quiet.push(p99(known));
            changed.push(p99(fresh));
        }
        told.insert(figure.to_owned(), json!({ "quiet": quiet, "changed": changed }));
    }
    told.into()
}

/// Something that happens now.
fn news(sequence: u64) -> Event {
    let mut event = of_person(0, 3, Timestamp::now().as_millisecond()).pop().unwrap();
    event.kind = EventType::StepChanged;
    event.time = Timestamp::now().as_millisecond();
    event.sequence = sequence;
    event
}

fn p99(mut spent: Vec<Duration>) -> f64 {
    spent.sort();
    spent[(spent.len() * 99).div_ceil(100) - 1].as_secs_f64() * 1_000.0
}
