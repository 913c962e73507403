//! What other programs and Git hosts say, over HTTP.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use firstlight_contract::hub::{BatchAnswer, Refusal, Verdict};
use firstlight_hub::{
    secrets::hash_token,
    store::{
        signals::{Signals as _, Uses},
        sqlite::SqliteStore,
    },
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::common::{Hub, problem, read};

const GITHUB: &str = "a-long-secret-of-github";
const GITLAB: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn hub() -> Hub {
    Hub::start_with(&format!("[hooks]\ngithub_secret = \"{GITHUB}\"\ngitlab_secret = \"{GITLAB}\""))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn to_github(hub: &Hub, secret: &str, body: &str) -> RequestBuilder {
    let signature: String = mac(secret.as_bytes(), &[body.as_bytes()])
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .fold(String::new(), |all, one| all + &one);
    hub.post("/v1/hooks/github")
        .header("content-type", "application/json")
        .header("x-github-event", "pull_request")
        .header("x-hub-signature-256", format!("sha256={signature}"))
        .body(body.to_owned())
}

fn merged(number: u32) -> String {
    json!({
        "action": "closed", "repository": { "full_name": "acme/orders" },
        "pull_request": {
            "number": number, "merged": true, "merged_at": Timestamp::now(), "user": { "login": "ada-l" },
        },
    })
    .to_string()
}

async fn verdicts(request: RequestBuilder) -> Vec<Verdict> {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: BatchAnswer = read(answer).await;
    answer.verdicts.into_iter().map(|one| one.verdict).collect()
}

#[tokio::test]
async fn a_merge_that_github_signed_is_somebodys_first_value_and_a_forged_one_is_nobodys() {
    let hub = hub();
    hub.say(&["code", "new", "--for", "ada@acme.test"]);
    let body = merged(17);
    problem(to_github(&hub, "another-secret-guess", &body).send().await.unwrap(), 403).await;
    let swapped = to_github(&hub, GITHUB, &body).body(merged(18));
    problem(swapped.send().await.unwrap(), 403).await;
    let plain = hub.post("/v1/hooks/github").header("content-type", "application/json").body(body.clone());
    problem(plain.send().await.unwrap(), 403).await;

    assert_eq!(verdicts(to_github(&hub, GITHUB, &body)).await, [Verdict::Accepted]);
    assert_eq!(verdicts(to_github(&hub, GITHUB, &body)).await, [Verdict::Duplicate]);
    let closed = body.replace("\"merged\":true", "\"merged\":false");
    assert!(matches!(
        verdicts(to_github(&hub, GITHUB, &closed)).await[..],
        [Verdict::Refused { reason: Refusal::UnregisteredType, .. }]
    ));
    let store = SqliteStore::open(&hub.database()).unwrap();
    assert_eq!(store.signal_counts().await.unwrap().first_changes.len(), 0, "nobody knows who ada-l is");
    hub.say(&["person", "alias", "ada@acme.test", "github:ada-l"]);
    assert_eq!(store.signal_counts().await.unwrap().first_changes.len(), 1);
    // Names are kept as pseudonyms only.
    let bytes = std::fs::read(hub.database()).unwrap();
    let log = std::fs::read(hub.database().with_extension("sqlite-wal")).unwrap_or_default();
    for name in ["ada-l", "ada@acme.test"] {
        let is_in = |bytes: &[u8]| bytes.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(!is_in(&bytes) && !is_in(&log), "{name}");
    }
}

#[tokio::test]
async fn gitlabs_signature_counts_for_its_time_only() {
    let hub = hub();
    let body = json!({
        "object_kind": "merge_request", "project": { "path_with_namespace": "acme/orders" },
        "user": { "username": "ada" },
        "object_attributes": { "action": "merge", "iid": 17, "updated_at": Timestamp::now() },
    })
    .to_string();
    let send = |seconds: i64| {
        let timestamp = (Timestamp::now().as_second() + seconds).to_string();
        let key = BASE64_STANDARD.decode(GITLAB.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = mac(&key, &[b"msg_1.", timestamp.as_bytes(), b".", body.as_bytes()]);
        hub.post("/v1/hooks/gitlab")
            .header("content-type", "application/json")
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", format!("v1,{}", BASE64_STANDARD.encode(signed)))
            .body(body.clone())
    };
    problem(send(-600).send().await.unwrap(), 403).await;
    assert_eq!(verdicts(send(0)).await, [Verdict::Accepted]);
    assert_eq!(verdicts(send(-60)).await, [Verdict::Duplicate]);
    // A hub without a secret takes nothing, however it is signed.
    let without = Hub::start();
    let answer = to_github(&without, "", &merged(1)).send().await.unwrap();
    problem(answer, 403).await;
}

#[tokio::test]
async fn programs_tell_of_merges_and_of_the_use_of_services() {
    let hub = hub();
    let token = hub.say(&["integration", "new", "portal"]).trim().to_owned();
    let event = |id: &str, kind: &str| {
        json!({
            "context": {
                "version": "0.4.1", "id": id, "source": "/forge", "type": kind, "timestamp": Timestamp::now(),
            },
            "subject": { "id": "acme/orders", "type": "change", "content": {} },
        })
    };
    let cdevents = |body: Value| {
        hub.post("/v1/signals/cdevents")
            .bearer_auth(&token)
            .header("content-type", "application/cloudevents-batch+json")
            .body(body.to_string())
    };
    let told = json!([
        event("1", "dev.cdevents.change.merged.0.2.0"),
        event("1", "dev.cdevents.change.merged.0.2.0"),
        event("2", "dev.cdevents.build.queued.0.1.0"),
        7,
    ]);
    let said = verdicts(cdevents(told)).await;
    assert_eq!(said[..2], [Verdict::Accepted, Verdict::Duplicate]);
    assert!(said[2..].iter().all(|verdict| matches!(verdict, Verdict::Refused { .. })), "{said:?}");

    let used = |key: &str, who: &str, id: &str, ok: bool| {
        let body = json!({ "api_key": key, "batch": [
            { "event": "search run", "distinct_id": who, "uuid": id, "properties": { "service": "search", "success": ok } },
        ] });
        hub.post("/batch/").header("content-type", "application/json").body(body.to_string())
    };
    problem(used("guess", "ada", "1", true).send().await.unwrap(), 401).await;
    let answer = used(&token, "ada", "1", true).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(read::<Value>(answer).await["status"], 1);
    for (who, id, ok) in
        [("ada", "1", true), ("ada", "2", true), ("Bo", "3", false), ("'; DROP TABLE signal; --", "4", true)]
    {
        used(&token, who, id, ok).send().await.unwrap().error_for_status().unwrap();
    }
    let store = SqliteStore::open(&hub.database()).unwrap();
    let counts = store.signal_counts().await.unwrap();
    let [month] = &counts.services.values().collect::<Vec<_>>()[..] else { panic!("{counts:?}") };
    let sum = |of: fn(&Uses) -> u32| month.people.values().map(of).sum::<u32>();
    assert_eq!((sum(|uses| uses.all), sum(|uses| uses.failed), month.people.len()), (4, 1, 3));
    assert_eq!(store.integration(hash_token(&token)).await.unwrap().as_deref(), Some("portal"));
    hub.say(&["integration", "revoke", "portal"]);
    problem(cdevents(json!([])).send().await.unwrap(), 401).await;
}

#[tokio::test]
async fn g3_what_is_no_list_of_signals_is_a_clear_answer() {
    let hub = hub();
    let token = hub.say(&["integration", "new", "portal"]).trim().to_owned();
    let send = |kind: &str, body: Vec<u8>| {
        hub.post("/v1/signals/cdevents")
            .bearer_auth(&token)
            .header("content-type", kind.to_owned())
            .body(body)
    };
    problem(send("text/plain", b"[]".to_vec()).send().await.unwrap(), 415).await;
    problem(send("application/json", b"[".to_vec()).send().await.unwrap(), 400).await;
    problem(send("application/json", vec![b' '; (1 << 20) + 1]).send().await.unwrap(), 413).await;
    let many = format!("[{}1]", "1,".repeat(1_000));
    problem(send("application/json", many.into_bytes()).send().await.unwrap(), 413).await;
    assert_eq!(verdicts(send("application/json", b"[]".to_vec())).await, []);
    // A bomb is put out, and for nobody in particular nothing is inflated.
    let bomb = zstd::encode_all(&vec![b' '; 64 << 20][..], 3).unwrap();
    let packed = |request: RequestBuilder| request.header("content-encoding", "zstd");
    problem(packed(send("application/json", bomb.clone())).send().await.unwrap(), 413).await;
    let posthog = hub.post("/batch").header("content-type", "application/json").body(bomb.clone());
    problem(packed(posthog).send().await.unwrap(), 413).await;
    problem(packed(to_github(&hub, GITHUB, "{}")).send().await.unwrap(), 415).await;
}
