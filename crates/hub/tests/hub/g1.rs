//! G1: codes are single-use, tokens are hashed, expire, can be revoked.

use reqwest::StatusCode;
use uuid::Uuid;

use crate::common::{Hub, problem};

#[tokio::test]
async fn g1_a_code_lets_one_device_in() {
    let hub = Hub::start();
    let code = hub.code();
    let tries = (0..8).map(|_| hub.try_enrol(&code, Uuid::now_v7()));
    let mut statuses = Vec::new();
    let tries: Vec<_> = tries.collect();
    for answer in join(tries).await {
        statuses.push(answer.status());
    }
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::CREATED).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::FORBIDDEN).count(), 7, "{statuses:?}");
    assert_eq!(hub.say(&["device", "list"]).lines().count(), 1);
}

async fn join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in futures.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn g1_an_expired_code_lets_nobody_in() {
    use firstlight_hub::{
        audit::By,
        secrets,
        store::{Store as _, sqlite::SqliteStore},
    };
    let hub = Hub::start();
    let store = SqliteStore::open(&hub.database()).unwrap();
    let now = jiff::Timestamp::now();
    store.add_code(&By::account("ada", now), secrets::hash_code("GONE"), None, now).await.unwrap();
    problem(hub.try_enrol("GONE", Uuid::now_v7()).await, 403).await;
    problem(hub.try_enrol("NEVER-WAS", Uuid::now_v7()).await, 403).await;
}

#[tokio::test]
async fn g1_neither_codes_nor_tokens_nor_names_are_in_the_database() {
    let mut hub = Hub::start();
    let code = hub.say(&["code", "new", "--for", "ada.lovelace@acme.test"]).trim().to_owned();
    let device = hub.enrol_with(&code).await;
    let unused = hub.code();
    let access = hub.token_of("ada.lovelace@acme.test", "admin");
    hub.kill();
    let mut read = 0;
    for entry in std::fs::read_dir(hub.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        read += bytes.len();
        let bare = |token: &str| token["flh_".len()..].to_owned();
        let (device_token, access_token) = (bare(&device.token), bare(&access));
        let secrets = [&code, &unused, &device.token, &device_token, &access, &access_token];
        for secret in secrets.into_iter().chain([&"lovelace".to_owned()]) {
            let found =
                bytes.windows(secret.len()).any(|window| window.eq_ignore_ascii_case(secret.as_bytes()));
            assert!(!found, "{secret}");
        }
    }
    assert!(read > 20_000, "there was something to read");
}

#[tokio::test]
async fn g1_a_token_counts_until_it_is_revoked_or_replaced() {
    let hub = Hub::start();
    let code = |person: &str| hub.say(&["code", "new", "--for", person]).trim().to_owned();
    let device = hub.enrol_with(&code("ada")).await;
    device.send(&hub, &device.events([1])).await;

    let other = problem(hub.try_enrol(&code("charles"), device.id).await, 409).await;
    assert_eq!(other.error.message, "this device is enrolled for somebody else");

    let again = hub.try_enrol(&code("Ada"), device.id).await;
    assert_eq!(again.status(), StatusCode::CREATED);
    let enrolled: firstlight_contract::hub::Enrolled = crate::common::read(again).await;
    problem(device.post(&hub, &device.events([2])).send().await.unwrap(), 401).await;
    let renewed = crate::common::Device { id: device.id, token: enrolled.token };
    assert_eq!(renewed.standing(&hub).await.high_water, 1, "what the device had sent is still its own");

    let id = device.id.to_string();
    assert!(hub.say(&["device", "list"]).contains(&id));
    hub.say(&["device", "revoke", &id]);
    problem(renewed.post(&hub, &device.events([2])).send().await.unwrap(), 401).await;
    assert!(hub.say(&["device", "list"]).contains("revoked"));
    let unknown = hub.run(&["device", "revoke", &Uuid::nil().to_string()]);
    assert!(!unknown.status.success());
    assert_eq!(hub.counted().await, 1);
}

#[tokio::test]
async fn g1_guessing_codes_is_slowed_down_by_address() {
    let hub = Hub::start_with("enrolments_per_minute = 3");
    let guess = |from: &'static str| {
        hub.post("/v1/devices")
            .header("content-type", "application/json")
            .header("x-forwarded-for", from)
            .body(format!("{{\"code\":\"GUESS\",\"source\":\"urn:uuid:{}\"}}", Uuid::nil()))
            .send()
    };
    for _ in 0..3 {
        problem(guess("203.0.113.7").await.unwrap(), 403).await;
    }
    // What the guesser writes into the header itself changes nothing: the proxy's own entry is the last.
    let slowed = guess("198.51.100.1, 203.0.113.7").await.unwrap();
    let wait: u64 = slowed.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    problem(slowed, 429).await;
    problem(guess("203.0.113.8").await.unwrap(), 403).await;
}
