//! Requests: in the queue of those who answer for them, answered once, told to the device that asked, and to other programs.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use firstlight_contract::{
    kpis::{KpiAnswer, SlaRow, SlaTable},
    requests::{
        DeviceRequests, PromiseView, QueuedRequest, ReplyGiven, RequestQueue, RequestReply, RequestState,
    },
};
use firstlight_hub::signals::signature::{Headers, standard};
use jiff::Timestamp;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

use crate::common::{Device, Hub, accepted, read};

/// The journey begins in which everything is asked for.
pub(crate) fn began(device: &Device, sequence: u64, persona: &str) -> Value {
    let mut event = device.event(sequence);
    event["type"] = "dev.firstlight.journey.started".into();
    event["data"] =
        json!({ "journey": Uuid::nil(), "persona": persona, "pack": "acme", "pack_version": "1.0.0" });
    event
}

/// What the outbox makes of a request.
pub(crate) fn opened(device: &Device, sequence: u64, request: Uuid, owner: &str, sla: Option<&str>) -> Value {
    let mut event = device.event(sequence);
    event["type"] = "dev.firstlight.request.opened".into();
    event["data"] = json!({
        "request": request, "journey": Uuid::nil(), "step": "vpn", "title": "Ask for VPN", "owner": owner,
        "signed_name": "Ada",
    });
    if let Some(sla) = sla {
        event["data"]["sla"] = sla.into();
    }
    event
}

async fn queue(hub: &Hub, token: &str, asked: &str) -> RequestQueue {
    read(hub.get(&format!("/v1/requests{asked}")).bearer_auth(token).send().await.unwrap()).await
}

fn answer(hub: &Hub, token: &str, id: &str, given: &ReplyGiven) -> RequestBuilder {
    hub.post(&format!("/v1/requests/{id}/answer"))
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(serde_json::to_string(given).unwrap())
}

fn refused(words: &str) -> ReplyGiven {
    ReplyGiven { reply: RequestReply::Refused, words: Some(words.to_owned()), by: Some("Grace".to_owned()) }
}

fn done() -> ReplyGiven {
    ReplyGiven { reply: RequestReply::Done, words: None, by: None }
}

async fn told(hub: &Hub, device: &Device) -> DeviceRequests {
    read(hub.get("/v1/devices/self/requests").bearer_auth(&device.token).send().await.unwrap()).await
}

/// The story of a queue, on whichever database.
pub(crate) async fn story(hub: &Hub) {
    let (device, other) = (hub.enrol().await, hub.enrol().await);
    let [first, second, third] = [(); 3].map(|()| Uuid::now_v7());
    let batch = [
        opened(&device, 1, first, "facilities", None),
        opened(&device, 2, second, "it-helpdesk", Some("2 days")),
        opened(&device, 3, third, "it-helpdesk", Some("4 hours")),
        // Of nobody.
        opened(&device, 4, Uuid::now_v7(), " ", None),
    ];
    assert_eq!(accepted(&device.send(hub, &batch).await), 3);
    // Somebody else closes it, or says that it is theirs: nothing happens.
    let mut foreign = vec![opened(&other, 1, second, "facilities", None), other.event(2)];
    foreign[1]["type"] = "dev.firstlight.request.closed".into();
    foreign[1]["data"] = json!({ "request": third, "end": "withdrawn" });
    other.send(hub, &foreign).await;

    let (helpdesk, admin) = (hub.token_of("grace", "step-owner:it-helpdesk"), hub.token_of("root", "admin"));
    let seen = queue(hub, &helpdesk, "").await;
    let ids: Vec<&str> = seen.requests.iter().map(|request| request.id.as_str()).collect();
    assert_eq!(ids, [third.to_string(), second.to_string()], "their own, what is due first at the top");
    let top = &seen.requests[0];
    assert_eq!(
        (top.name.as_deref(), top.title.as_str(), top.promise),
        (Some("Ada"), "Ask for VPN", PromiseView::Open)
    );
    assert!((4 * 3_600 - 60..=4 * 3_600).contains(&top.left_seconds.unwrap()), "{top:?}");
    assert_eq!(queue(hub, &admin, "").await.total, 3);
    assert_eq!(queue(hub, &admin, "?owner=facilities").await.requests[0].promise, PromiseView::None);
    assert_eq!(queue(hub, &helpdesk, "?owner=facilities").await.total, 0);
    for wrong in ["?owner=a&owner=b&x=1", "?state=closed"] {
        let answer = hub.get(&format!("/v1/requests{wrong}")).bearer_auth(&admin).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }

    let third = third.to_string();
    for (token, id, given, status) in [
        (&helpdesk, &first.to_string(), &done(), 404),
        (&helpdesk, &Uuid::now_v7().to_string(), &done(), 404),
        (&helpdesk, &"vpn".to_owned(), &done(), 404),
        (&helpdesk, &third, &refused("  "), 400),
        (&helpdesk, &third, &refused(&"x".repeat(2_001)), 400),
        (&device.token, &third, &done(), 401),
    ] {
        let refused = answer(hub, token, id, given).send().await.unwrap();
        assert_eq!(refused.status().as_u16(), status, "{id} {given:?}");
    }
    assert_eq!(told(hub, &device).await.answered, []);
    let settled: QueuedRequest =
        read(answer(hub, &helpdesk, &third, &refused("Not yet, <b>Ada</b>.")).send().await.unwrap()).await;
    assert_eq!((settled.state, settled.promise), (RequestState::Answered, PromiseView::Met));
    let again = answer(hub, &admin, &third, &done()).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::CONFLICT);

    let [learned] = &told(hub, &device).await.answered[..] else { panic!("one answer") };
    assert_eq!((learned.request.as_str(), learned.answer.by.as_str()), (third.as_str(), "Grace"));
    assert_eq!(
        (learned.answer.reply, learned.answer.words.as_str()),
        (RequestReply::Refused, "Not yet, <b>Ada</b>.")
    );
    assert_eq!(told(hub, &other).await.answered, []);
    assert_eq!(queue(hub, &helpdesk, "").await.total, 1);
    assert_eq!(queue(hub, &helpdesk, "?state=all").await.total, 2);
    let acts = hub.say(&["audit", "list"]);
    assert!(acts.contains(&format!("answered the request {third} to it-helpdesk: refused")), "{acts}");
}

#[tokio::test]
async fn g8_step_owners_see_and_answer_their_own_queue_and_every_answer_is_in_the_log() {
    story(&Hub::start()).await;
}

#[tokio::test]
async fn working_hours_that_change_move_no_deadline_that_was_given() {
    let mut hub = Hub::start_with("[calendar]\nhours = \"Mon-Sun 00:00-24:00\"");
    let (device, request) = (hub.enrol().await, Uuid::now_v7());
    device.send(&hub, &[opened(&device, 1, request, "it-helpdesk", Some("3 business hours"))]).await;
    let admin = hub.token_of("root", "admin");
    let before = queue(&hub, &admin, "").await.requests.remove(0);
    let due: Timestamp = before.due_at.as_deref().unwrap().parse().unwrap();
    let received: Timestamp = before.received_at.parse().unwrap();
    assert_eq!((due.duration_since(received).as_secs(), before.calendar), (3 * 3_600, Some(1)));
    hub.kill();
    let file = hub.folder.path().join("hub.toml");
    std::fs::write(&file, "[calendar]\nhours = \"Mon 09:00-09:30\"\n").unwrap();
    hub.serve();
    device.send(&hub, &[opened(&device, 2, Uuid::now_v7(), "it-helpdesk", Some("3 business hours"))]).await;
    let queue = queue(&hub, &admin, "").await.requests;
    assert_eq!((&queue[0].due_at, queue[0].calendar), (&before.due_at, Some(1)));
    let later: Timestamp = queue[1].due_at.as_deref().unwrap().parse().unwrap();
    assert_eq!(queue[1].calendar, Some(2));
    assert!(later.duration_since(received).as_hours() > 24 * 7 * 5 - 24, "half an hour a week");
}

#[tokio::test]
async fn g5_service_levels_are_told_of_owners_whom_enough_people_asked() {
    let hub = Hub::start();
    let admin = hub.token_of("root", "admin");
    for person in 0..7 {
        let device = hub.enrol().await;
        let [desk, rare] = [(); 2].map(|()| Uuid::now_v7());
        let mut batch =
            vec![began(&device, 1, "data"), opened(&device, 2, desk, "it-helpdesk", Some("2 days"))];
        if person < 3 {
            batch.push(opened(&device, 3, rare, "facilities", Some("2 days")));
        }
        device.send(&hub, &batch).await;
        if person != 0 {
            answer(&hub, &admin, &desk.to_string(), &done()).send().await.unwrap();
        }
    }
    let viewer = hub.token_of("vera", "viewer");
    let told: SlaTable = read(hub.get("/v1/insights/sla").bearer_auth(&viewer).send().await.unwrap()).await;
    let [facilities, desk] = &told.owners[..] else { panic!("two owners") };
    assert_eq!((facilities.owner.as_str(), &facilities.kept.answer), ("facilities", &KpiAnswer::Suppressed));
    let KpiAnswer::Known { value, ci, counts } = &desk.kept.answer else { panic!("{desk:?}") };
    // Wilson: 6 of 6.
    assert!((value - 1.0).abs() < 1e-12 && (ci[0].unwrap() - 0.609_665_706).abs() < 1e-6, "{ci:?}");
    assert_eq!((counts.n, counts.n_events, counts.n_censored), (6, 6, 1));
    // All of them together would tell of facilities by subtraction.
    assert_eq!(told.overall.answer, KpiAnswer::Suppressed);
    let csv = hub.get("/v1/insights/sla?format=csv").bearer_auth(&viewer).send().await.unwrap();
    let csv = csv.text().await.unwrap();
    assert!(csv.contains("facilities,sla,suppressed"), "{csv}");
}

#[tokio::test]
async fn g5_owners_whom_few_people_asked_do_not_follow_from_all_without_the_others() {
    let hub = Hub::start();
    for person in 0..12 {
        let device = hub.enrol().await;
        let owners: &[&str] = match person {
            0 | 1 => &["it-helpdesk", "legal"],
            2 | 3 => &["access-bot", "facilities"],
            4..8 => &["it-helpdesk"],
            _ => &["access-bot"],
        };
        let asked = (2..).zip(owners);
        let asked =
            asked.map(|(sequence, owner)| opened(&device, sequence, Uuid::now_v7(), owner, Some("2 days")));
        let batch: Vec<Value> = std::iter::once(began(&device, 1, "data")).chain(asked).collect();
        device.send(&hub, &batch).await;
    }
    let told: SlaTable = read(hub.look("/v1/insights/sla").send().await.unwrap()).await;
    let owners: Vec<(&str, bool)> = told
        .owners
        .iter()
        .map(|row| (row.owner.as_str(), row.kept.answer == KpiAnswer::Suppressed))
        .collect();
    let of = [("access-bot", false), ("facilities", true), ("it-helpdesk", false), ("legal", true)];
    assert_eq!(owners, of);
    assert_eq!(told.overall.answer, KpiAnswer::Suppressed, "both together were asked by four");
}

#[tokio::test]
async fn g5_service_levels_of_some_are_told_where_enough_of_them_asked() {
    let hub = Hub::start();
    let admin = hub.token_of("root", "admin");
    for person in 0..20 {
        let device = hub.enrol().await;
        let persona = if person < 8 { "data" } else { "backend" };
        let request = Uuid::now_v7();
        let mut batch =
            vec![began(&device, 1, persona), opened(&device, 2, request, "it-helpdesk", Some("2 days"))];
        // Enough people ask for a badge, and all but two of them are of one persona.
        if (6..14).contains(&person) {
            batch.push(opened(&device, 3, Uuid::now_v7(), "facilities", Some("2 days")));
        }
        // Whose journey's beginning is lost is in no figure.
        if person == 19 {
            batch.remove(0);
        }
        device.send(&hub, &batch).await;
        if person % 2 == 0 {
            answer(&hub, &admin, &request.to_string(), &done()).send().await.unwrap();
        }
    }
    let ask = async |query: &str| -> SlaTable {
        read(hub.look(&format!("/v1/insights/sla{query}")).send().await.unwrap()).await
    };
    let known = |row: &SlaRow| match &row.kept.answer {
        KpiAnswer::Known { counts, .. } => Some((counts.n_events, counts.n_censored)),
        _ => None,
    };
    let all: Vec<_> = ask("").await.owners.iter().map(known).collect();
    assert_eq!(all, [None, Some((10, 9))], "nothing of the badges was answered, and 19 have begun");
    let data = ask("?persona=data").await;
    assert_eq!(data.filter.persona.as_deref(), Some("data"));
    let [facilities, desk] = &data.owners[..] else { panic!("{data:?}") };
    assert_eq!((facilities.owner.as_str(), &facilities.kept.answer), ("facilities", &KpiAnswer::Suppressed));
    assert_eq!(known(desk), Some((4, 4)));
    // What is said of all is said of those that are told of, so two people do not follow from it.
    assert_eq!(data.overall, desk.kept);
    // The six others follow from everybody without these two, and so are not told either.
    let backend = ask("?persona=backend").await;
    assert_eq!(backend.owners[0].kept.answer, KpiAnswer::Suppressed);
    let nobody = ask("?persona=quality").await;
    assert_eq!((nobody.owners.len(), &nobody.overall.answer), (0, &KpiAnswer::NotEnough));
    assert_eq!(hub.look("/v1/insights/sla?persona=data&team=orders").send().await.unwrap().status(), 400);
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A delivery, as it arrived.
#[derive(Debug, Clone)]
struct Got {
    id: String,
    body: Value,
    answered: bool,
}

/// Somebody who is told, and does each time what it was told to do; then it answers well.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Dropped,
    Failing,
    Redirecting,
    Stalling,
}

impl Receiver {
    async fn start(faults: &'static [Fault]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let heard = Arc::clone(&got);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(receive(stream, faults, Arc::clone(&heard)));
            }
        });
        Self { url, got }
    }

    fn config(&self, template: &str) -> String {
        format!(
            "private_hosts = \"127.0.0.1\"\n[webhooks.desk]\nurl = \"{}\"\nsecret = \"{SECRET}\"\ntemplate = \"{template}\"\n",
            self.url
        )
    }

    /// Waits until as many were answered well.
    async fn answered(&self, many: usize) -> Vec<Got> {
        for _ in 0..600 {
            let got = self.got.lock().unwrap().clone();
            if got.iter().filter(|one| one.answered).count() >= many {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{many} did not arrive: {:?}", self.got.lock().unwrap());
    }
}

async fn receive(mut stream: TcpStream, faults: &[Fault], got: Arc<Mutex<Vec<Got>>>) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await.unwrap();
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").unwrap().parse::<usize>().unwrap();
            if body.len() >= length {
                break (head.to_owned(), body.to_owned());
            }
        }
        assert!(read > 0, "it was cut off: {text}");
    };
    let id = header(&head, "webhook-id").unwrap();
    let (timestamp, signatures) =
        (header(&head, "webhook-timestamp").unwrap(), header(&head, "webhook-signature").unwrap());
    let headers = Headers { id: &id, timestamp: &timestamp, signatures: &signatures };
    let secret = SecretString::from(SECRET);
    assert!(standard(&headers, &secret, body.as_bytes(), Timestamp::now()), "{head}");
    assert!(!standard(&headers, &secret, format!("{body} ").as_bytes(), Timestamp::now()));
    let fault = {
        let mut got = got.lock().unwrap();
        // The first time each is told something else goes wrong.
        let known = got.iter().any(|one| one.id == id);
        let first = got.iter().map(|one| &one.id).collect::<std::collections::BTreeSet<_>>().len();
        let fault = if known { None } else { faults.get(first).copied() };
        got.push(Got { id, body: serde_json::from_str(&body).unwrap(), answered: fault.is_none() });
        fault
    };
    let status = match fault {
        Some(Fault::Dropped) => return,
        Some(Fault::Failing) => "500 Failed",
        Some(Fault::Redirecting) => "307 Elsewhere\r\nLocation: http://127.0.0.1:1/",
        Some(Fault::Stalling) => {
            tokio::time::sleep(Duration::from_secs(12)).await;
            return;
        }
        None => "204 Taken",
    };
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_signed_and_told_again_until_they_arrive() {
    let faults = &[Fault::Dropped, Fault::Failing, Fault::Redirecting, Fault::Stalling];
    let receiver = Receiver::start(faults).await;
    let mut hub = Hub::start_with(&receiver.config("cloudevents"));
    let device = hub.enrol().await;
    let requests: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
    let batch: Vec<Value> = (1..)
        .zip(&requests)
        .map(|(sequence, request)| opened(&device, sequence, *request, "it-helpdesk", Some("2 days")))
        .collect();
    device.send(&hub, &batch).await;
    // What was taken in is told, also by the next who serves.
    hub.kill();
    hub.serve();
    let got = receiver.answered(5).await;
    let mut told: Vec<&str> =
        got.iter().filter(|one| one.answered).map(|one| one.body["subject"].as_str().unwrap()).collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told, requests.iter().map(Uuid::to_string).collect::<Vec<_>>(), "each");
    let again = got.iter().filter(|one| !one.answered);
    for failed in again {
        let arrived = got.iter().find(|one| one.answered && one.id == failed.id).unwrap();
        assert_eq!(arrived.body, failed.body, "under its own id");
    }
    let admin = hub.token_of("root", "admin");
    answer(&hub, &admin, &requests[0].to_string(), &refused("No.")).send().await.unwrap();
    let got = receiver.answered(6).await;
    let last = &got.last().unwrap().body;
    assert_eq!(last["type"], "dev.firstlight.hub.request.answered");
    assert_eq!(last["data"]["answer"]["words"], "No.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_late_is_told_of() {
    let receiver = Receiver::start(&[]).await;
    let hub = Hub::start_with(&format!("{}on = \"breached\"\n", receiver.config("slack")));
    let device = hub.enrol().await;
    let late = Uuid::now_v7();
    device.send(&hub, &[opened(&device, 1, late, "it-helpdesk", Some("1 minute"))]).await;
    let database = rusqlite::Connection::open(hub.database()).unwrap();
    database.execute("UPDATE request SET received = received - 120000", []).unwrap();
    let got = receiver.answered(1).await;
    let text = got[0].body["text"].as_str().unwrap();
    assert!(text.starts_with("Ada still waits for it-helpdesk"), "{text}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(receiver.got.lock().unwrap().len(), 1, "once");
}

/// Two hubs on one database.
#[cfg(unix)]
pub(crate) async fn one_of_two_tells(database: &str) {
    let receiver = Receiver::start(&[]).await;
    let config = receiver.config("jira");
    let (one, other) = (Hub::start_on_with(database, &config), Hub::start_on_with(database, &config));
    let device = one.enrol().await;
    let batch: Vec<Value> = (1..=20)
        .map(|sequence| opened(&device, sequence, Uuid::now_v7(), "it-helpdesk", Some("2 days")))
        .collect();
    device.send(&other, &batch).await;
    receiver.answered(20).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.got.lock().unwrap().len(), 20, "each by one of them");
}
