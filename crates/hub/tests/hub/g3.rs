//! G3: too much, too slow, too often, of the wrong kind: each has its answer, none is a failure of the hub.

use std::io::Write as _;

use firstlight_contract::hub::{BATCH, Verdict};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::common::{Hub, accepted, problem};

#[tokio::test]
async fn g3_bodies_of_the_wrong_size_kind_or_form_are_refused_and_the_hub_goes_on() {
    let hub = Hub::start();
    let device = hub.enrol().await;
    let post = |kind: &str, encoding: &str, body: Vec<u8>| {
        let request = hub.post("/v1/events").bearer_auth(&device.token).header("content-type", kind);
        request.header("content-encoding", encoding).body(body).send()
    };
    let bomb = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b' '; 64 << 20]).unwrap();
        encoder.finish().unwrap()
    };
    let many = serde_json::to_vec(&device.events(1..=1_001)).unwrap();
    let wrong = [
        ("application/json", "identity", b"[]".to_vec(), 415),
        ("text/plain", "identity", b"[]".to_vec(), 415),
        (BATCH, "br", b"[]".to_vec(), 415),
        (BATCH, "identity", b"{}".to_vec(), 400),
        (BATCH, "identity", b"[{]".to_vec(), 400),
        (BATCH, "identity", vec![0xff; 10], 400),
        (BATCH, "gzip", b"[]".to_vec(), 400),
        (BATCH, "zstd", b"[]".to_vec(), 400),
        (BATCH, "identity", vec![b'['; 1 << 20], 400),
        (BATCH, "identity", vec![b' '; (1 << 20) + 1], 413),
        (BATCH, "gzip", bomb, 413),
        (BATCH, "identity", many, 413),
    ];
    for (kind, encoding, body, status) in wrong {
        problem(post(kind, encoding, body).await.unwrap(), status).await;
    }
    let enrol =
        |kind: &str, body: String| hub.post("/v1/devices").header("content-type", kind).body(body).send();
    problem(enrol("text/plain", "{}".into()).await.unwrap(), 415).await;
    problem(enrol("application/json", "{}".into()).await.unwrap(), 400).await;
    problem(
        enrol("application/json", json!({ "code": "x", "source": "ada" }).to_string()).await.unwrap(),
        400,
    )
    .await;
    problem(enrol("application/json", " ".repeat(5_000)).await.unwrap(), 413).await;

    let events = serde_json::to_vec(&device.events(1..=3)).unwrap();
    let zstd = zstd::encode_all(&events[..], 0).unwrap();
    assert_eq!(post(&format!("{BATCH}; charset=utf-8"), "zstd", zstd).await.unwrap().status(), 200);
    assert_eq!(hub.counted().await, 3);
}

#[tokio::test]
async fn g3_a_slow_body_is_given_up_and_others_are_served_meanwhile() {
    let hub = Hub::start_with("read_seconds = 1");
    let device = hub.enrol().await;
    let address = hub.url.strip_prefix("http://").unwrap();
    // One that never says anything, one that never ends its head: cut off without an answer.
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut endless = TcpStream::connect(address).await.unwrap();
    endless.write_all(b"GET /healthz HTTP/1.1\r\nx-long: ").await.unwrap();
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {}\r\ncontent-type: {BATCH}\r\n\
             content-length: 100\r\n\r\n[",
            device.token
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    assert_eq!(device.send(&hub, &device.events([1])).await, [Verdict::Accepted]);
    for mut stream in slow {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("too_slow"), "{answer}");
    }
    for stream in [&mut silent, &mut endless] {
        let mut answer = Vec::new();
        // However the connection ends, it ends.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn g3_a_device_that_asks_too_often_is_told_when_to_come_again() {
    let hub = Hub::start_with("requests_per_minute = 5");
    let (device, other) = (hub.enrol().await, hub.enrol().await);
    for sequence in 1..=5 {
        device.send(&hub, &device.events([sequence])).await;
    }
    let slowed = device.post(&hub, &device.events([6])).send().await.unwrap();
    assert!(slowed.headers().contains_key("retry-after"));
    problem(slowed, 429).await;
    assert_eq!(other.send(&hub, &other.events([1])).await, [Verdict::Accepted]);
    assert_eq!(hub.counted().await, 6);
}

#[tokio::test]
async fn g3_a_program_that_tells_too_often_is_told_when_to_come_again() {
    let hub =
        Hub::start_with("requests_per_minute = 5\n[hooks]\ngithub_secret = \"a-long-secret-of-github\"");
    let [portal, ci] = ["portal", "ci"].map(|name| hub.say(&["integration", "new", name]).trim().to_owned());
    let post =
        |path: &str, body: String| hub.post(path).header("content-type", "application/json").body(body);
    let cdevents = |token: &str| post("/v1/signals/cdevents", "[]".to_owned()).bearer_auth(token);
    let batch = |path: &str, token: &str| post(path, json!({ "api_key": token, "batch": [] }).to_string());
    let hook = |path: &str| post(path, "{}".to_owned()).header("x-forwarded-for", "203.0.113.7");
    for request in [
        cdevents(&portal),
        batch("/batch", &portal),
        batch("/batch/", &portal),
        cdevents(&portal),
        cdevents(&portal),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    // Whether they are signed or not.
    for path in
        ["/v1/hooks/github", "/v1/hooks/gitlab", "/v1/hooks/github", "/v1/hooks/gitlab", "/v1/hooks/github"]
    {
        problem(hook(path).send().await.unwrap(), 403).await;
    }
    for request in [
        cdevents(&portal),
        batch("/batch", &portal),
        batch("/batch/", &portal),
        hook("/v1/hooks/github"),
        hook("/v1/hooks/gitlab"),
    ] {
        let slowed = request.send().await.unwrap();
        assert!(slowed.headers().contains_key("retry-after"));
        problem(slowed, 429).await;
    }
    // Others are as free as before.
    assert_eq!(cdevents(&ci).send().await.unwrap().status(), 200);
    let elsewhere = post("/v1/hooks/github", "{}".to_owned()).header("x-forwarded-for", "203.0.113.8");
    problem(elsewhere.send().await.unwrap(), 403).await;
}

#[tokio::test]
async fn g3_a_flood_is_shed_and_loses_nothing_that_was_acknowledged() {
    let hub = Hub::start_with("queue_events = 1000");
    let device = hub.enrol().await;
    // While somebody else holds the database nothing can be written, so that the queue fills for sure.
    let hold = rusqlite::Connection::open(hub.database()).unwrap();
    hold.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut flood = JoinSet::new();
    for batch in 0..40_u64 {
        let request = device.post(&hub, &device.events(batch * 100 + 1..=batch * 100 + 100));
        flood.spawn(async move { request.send().await.unwrap() });
    }
    let mut statuses = Vec::new();
    // 1,000 events are ten batches: thirty are shed while none is written.
    while statuses.len() < 30 {
        let answer = flood.join_next().await.unwrap().unwrap();
        assert!(answer.headers().contains_key("retry-after"));
        problem(answer, 503).await;
        statuses.push(503);
    }
    hold.execute_batch("ROLLBACK").unwrap();
    let mut acknowledged = 0;
    while let Some(answer) = flood.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: firstlight_contract::hub::BatchAnswer = crate::common::read(answer).await;
        let verdicts: Vec<Verdict> = answer.verdicts.into_iter().map(|one| one.verdict).collect();
        acknowledged += accepted(&verdicts);
    }
    assert_eq!(acknowledged, 1_000);
    assert_eq!(hub.counted().await, 1_000);
    let standing = device.standing(&hub).await;
    assert_eq!(standing.high_water - standing.missing, 1_000, "the gaps say what to send again");
}
