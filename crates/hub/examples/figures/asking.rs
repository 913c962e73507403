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

use crate::company::{BATCH, Chance, Event, PEOPLE, body, journey, of_person};

/// How many batches are under way at once.
const AT_ONCE: usize = 16;
/// How often each figure is asked for in a turn.
const ASKED: usize = 100;
/// How often in a turn while nobody else asks, and how long it is from one to the next.
const ALONE: usize = 30;
const PAUSE: Duration = Duration::from_secs(5);
/// What a page asks for, the narrower ones as well.
const FIGURES: [&str; 23] = [
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
    "sla",
    "sla?persona=data",
    "sla?team=team-03",
    "completeness",
];

/// With which figures are asked for.
const VIEWER: &str = "a viewer's token";

/// A machine's id and token.
pub(crate) type Machine = (Uuid, String);

/// How many teams there are, and services.
const TEAMS: usize = 40;
const SERVICES: usize = 20;
/// Who is asked for something, and what they promise.
const OWNERS: [(&str, &str); 8] = [
    ("access-bot", "1 hour"),
    ("architects", "5 business days"),
    ("data-governance", "3 business days"),
    ("facilities", "20 working hours"),
    ("it-helpdesk", "4 business hours"),
    ("legal", "10 business days"),
    ("people", "2 days"),
    ("security", "1 business day"),
];
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

/// What people think and ask for: each but the first says how likely they are to recommend it, closes it, and asks three owners
/// for something, one of whom grants it.
pub(crate) async fn say(url: &str, machines: &[Machine], each: usize) {
    let machines: Arc<[Machine]> = machines.into();
    let mut senders = JoinSet::new();
    for sender in 0..AT_ONCE {
        let (machines, client, url) = (Arc::clone(&machines), client(), url.to_owned());
        senders.spawn(async move {
            for (person, machine) in machines.iter().enumerate().skip(1).skip(sender).step_by(AT_ONCE) {
                let body = said(person, &machine.0, each);
                let many = body.as_array().unwrap().len() as u64;
                assert_eq!(post(&client, &url, machine, body.to_string()).await, many);
            }
        });
    }
    senders.join_all().await;
}

fn said(person: usize, id: &Uuid, each: usize) -> Value {
    let time = Timestamp::now();
    let event = |kind: EventType, nth: usize, data: Value| {
        json!({
            "specversion": "1.0", "id": Uuid::from_u64_pair(nth as u64, person as u64), "data": data,
            "source": format!("urn:uuid:{id}"), "type": kind.name(), "time": time, "recordedtime": time,
            "sequence": format!("{:016}", each + nth), "datacontenttype": "application/json",
        })
    };
    let answer = json!({
        "submission": id, "survey": "recommend", "question": "recommend", "question_kind": "nps",
        "score": person % 11,
    });
    let ending = json!({ "submission": id, "survey": "recommend", "ending": "sent" });
    let mut said =
        vec![event(EventType::SurveyAnswered, 1, answer), event(EventType::SurveyEnded, 2, ending)];
    let request = |nth: usize| Uuid::from_u64_pair(nth as u64 + 100, person as u64);
    for nth in 0..3 {
        let owner = (person + nth * 5) % OWNERS.len();
        let opened = json!({
            "request": request(nth), "journey": journey(person), "step": format!("step-{nth:02}"),
            "title": "Ask for it", "owner": OWNERS[owner].0, "sla": OWNERS[owner].1,
        });
        said.push(event(EventType::RequestOpened, 3 + nth, opened));
    }
    said.push(event(EventType::RequestClosed, 6, json!({ "request": request(0), "end": "granted" })));
    json!(said)
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

async fn send(client: &Client, url: &str, machine: &Machine, events: &[Event]) -> u64 {
    post(client, url, machine, body(events, machine.0)).await
}

/// How many of the batch were accepted.
async fn post(client: &Client, url: &str, (_, token): &Machine, body: String) -> u64 {
    let request =
        client.post(format!("{url}/v1/events")).bearer_auth(token).header("content-type", BATCH_TYPE);
    let answer = request.body(body).send().await.unwrap().error_for_status().unwrap();
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

/// How long each figure takes a hub that was never asked, in milliseconds. The first is told after everything was sorted out.
pub(crate) async fn anew(url: &str) -> Vec<f64> {
    let client = client();
    let mut spent = Vec::new();
    for figure in FIGURES {
        spent.push(milliseconds(ask(&client, url, figure).await.1));
    }
    spent
}

/// How long each figure took just after something was new: of each turn, what 99 in 100 answers were below, in milliseconds.
/// What it took when it was worked out `anew` is told beside it.
pub(crate) async fn figures(
    url: &str,
    machines: &[Machine],
    each: usize,
    turns: usize,
    anew: &[Vec<f64>],
) -> Value {
    let client = client();
    let mut sequence = each as u64;
    let mut told = Map::new();
    for (index, figure) in FIGURES.into_iter().enumerate() {
        let mut changed = Vec::new();
        for _ in 0..turns {
            let mut spent = Vec::new();
            for _ in 0..ASKED {
                sequence += 1;
                assert_eq!(send(&client, url, &machines[0], &[news(sequence)]).await, 1);
                spent.push(ask(&client, url, figure).await.1);
            }
            changed.push(p99(spent));
        }
        let anew: Vec<f64> = anew.iter().map(|turn| turn[index]).collect();
        told.insert(figure.to_owned(), json!({ "anew": anew, "changed": changed }));
    }
    told.into()
}

/// How long each figure takes somebody who asks for it every five seconds or so, with something new before each question: of each
/// turn, what 99 in 100 answers were below, in milliseconds. By then everything has been sorted out anew, and who asks meets that
/// at any moment of it.
pub(crate) async fn alone(url: &str, machines: &[Machine], each: usize, turns: usize) -> Value {
    let client = client();
    // After all that was said before.
    let mut sequence = (each + ASKED * FIGURES.len() * turns) as u64;
    let mut told: Map<String, Value> = FIGURES.into_iter().map(|name| (name.to_owned(), json!([]))).collect();
    let mut chance = Chance::of(7);
    for _ in 0..turns {
        let mut spent: Vec<Vec<Duration>> = vec![Vec::new(); FIGURES.len()];
        for _ in 0..ALONE {
            for (figure, spent) in FIGURES.into_iter().zip(&mut spent) {
                sequence += 1;
                assert_eq!(send(&client, url, &machines[0], &[news(sequence)]).await, 1);
                let share = PAUSE / u32::try_from(FIGURES.len()).unwrap();
                // Between half of its share and half as much again.
                let part = u32::try_from(chance.below(1_000)).unwrap();
                tokio::time::sleep(share / 2 + share * part / 1_000).await;
                spent.push(ask(&client, url, figure).await.1);
            }
        }
        for (figure, spent) in FIGURES.into_iter().zip(spent) {
            told[figure].as_array_mut().unwrap().push(json!(p99(spent)));
        }
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
    milliseconds(spent[(spent.len() * 99).div_ceil(100) - 1])
}

fn milliseconds(spent: Duration) -> f64 {
    spent.as_secs_f64() * 1_000.0
}
