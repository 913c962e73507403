//! Sending everything to the hub, and asking it for its figures.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use firstlight_contract::hub::{BATCH as BATCH_TYPE, BatchAnswer, Verdict};
use firstlight_domain::registry::EventType;
use firstlight_hub::{
    secrets::{hash_code, hash_token},
    store::{Enrolling, Enrolment, Store},
};
use jiff::{SignedDuration, Timestamp};
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
const FIGURES: [&str; 12] = [
    "filters",
    "summary",
    "summary?persona=data",
    "ttfv?by=persona",
    "ttfv?by=release",
    "steps",
    "steps?persona=data",
    "funnel",
    "activity",
    "activity?persona=data",
    "retrospective?pack=acme&release=2.1.0&before=2.0.0",
    "completeness",
];

/// A machine's id and token.
pub(crate) type Machine = (Uuid, String);

/// Lets everybody's machine in.
pub(crate) async fn enrol(store: &dyn Store) -> Vec<Machine> {
    let now = Timestamp::now();
    let expires_at = now + SignedDuration::from_hours(24);
    let mut machines = Vec::new();
    for person in 0..PEOPLE {
        let (code, token) = (hash_code(&person.to_string()), format!("token {person}"));
        let device = Uuid::from_u128(person as u128 + 1);
        store.add_code(code, None, expires_at).await.unwrap();
        let enrolment = Enrolment { code, device, token: hash_token(&token), expires_at, now };
        assert_eq!(store.enrol(enrolment).await.unwrap(), Enrolling::Done);
        machines.push((device, token));
    }
    machines
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
    let answer = client.get(format!("{url}/v1/insights/{figure}")).send().await.unwrap();
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
