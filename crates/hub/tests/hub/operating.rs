//! What an operator does: stop it, watch it, back it up, give it a certificate.

use std::fs;

use firstlight_contract::hub::Verdict;
use tokio::task::JoinSet;

use crate::common::{Hub, accepted, read};

#[cfg(unix)]
#[tokio::test]
async fn asked_to_stop_it_finishes_what_it_took_in() {
    let mut hub = Hub::start();
    let device = hub.enrol().await;
    // Nothing can be written yet, so the requests are under way when it is asked.
    let hold = rusqlite::Connection::open(hub.database()).unwrap();
    hold.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut senders = JoinSet::new();
    for batch in 0..5_u64 {
        let request = device.post(&hub, &device.events(batch * 10 + 1..=batch * 10 + 10));
        senders.spawn(async move { request.send().await.unwrap() });
    }
    while !queued(&hub, 50).await {
        tokio::task::yield_now().await;
    }
    hub.ask_to_stop();
    while hub.client.get(format!("{}/healthz", hub.url)).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
    hold.execute_batch("ROLLBACK").unwrap();
    let mut acknowledged = 0;
    for answer in senders.join_all().await {
        let answer: firstlight_contract::hub::BatchAnswer = read(answer).await;
        acknowledged += accepted(&answer.verdicts.into_iter().map(|one| one.verdict).collect::<Vec<_>>());
    }
    assert_eq!(acknowledged, 50);
    assert!(hub.stopped().success());
    // By itself, and not because its patience was over.
    assert!(!hub.log().contains("not be written in time"), "{}", hub.log());
    assert_eq!(hub.counted().await, 50);
}

#[cfg(unix)]
async fn queued(hub: &Hub, events: u64) -> bool {
    let text = hub.get("/metrics").send().await.unwrap().text().await.unwrap();
    text.contains(&format!("firstlight_hub_queue_events {events}\n"))
}

#[tokio::test]
async fn it_says_how_it_is_doing() {
    let hub = Hub::start();
    let device = hub.enrol().await;
    device.send(&hub, &device.events([1, 2])).await;
    device.send(&hub, &device.events([2])).await;
    assert_eq!(hub.get("/readyz").send().await.unwrap().text().await.unwrap(), "ready\n");
    let text = hub.get("/metrics").send().await.unwrap().text().await.unwrap();
    for line in [
        "firstlight_hub_answers_total{status=\"200\"} 3",
        "firstlight_hub_answers_total{status=\"201\"} 1",
        "firstlight_hub_events_total{verdict=\"accepted\"} 2",
        "firstlight_hub_events_total{verdict=\"duplicate\"} 1",
        "firstlight_hub_queue_events 0",
        "firstlight_hub_commits_total 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
}

#[tokio::test]
async fn a_backup_is_taken_while_it_serves_and_takes_its_place() {
    let mut hub = Hub::start();
    let device = hub.enrol().await;
    device.send(&hub, &device.events(1..=10)).await;
    let backup = hub.folder.path().join("backup.sqlite");
    let name = backup.display().to_string();
    hub.say(&["backup", &name]);
    assert!(!hub.run(&["backup", &name]).status.success(), "nothing is overwritten");
    device.send(&hub, &device.events(11..=20)).await;
    assert!(!hub.run(&["restore", &name]).status.success(), "nothing is overwritten");
    hub.kill();

    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(hub.folder.path().join(format!("hub.sqlite{ending}")));
    }
    let mut damaged = fs::read(&backup).unwrap();
    damaged[4096..8192].fill(0x5a);
    let broken = hub.folder.path().join("broken.sqlite");
    fs::write(&broken, damaged).unwrap();
    let refused = hub.run(&["restore", &broken.display().to_string()]);
    assert!(!refused.status.success());
    assert!(!hub.database().exists(), "what is not whole takes no place");

    hub.say(&["restore", &name]);
    hub.serve();
    assert_eq!(device.standing(&hub).await.high_water, 10);
    let verdicts = device.send(&hub, &device.events(1..=20)).await;
    assert_eq!(accepted(&verdicts), 10);
    assert_eq!(hub.counted().await, 20);
    let log = hub.say(&["audit", "list"]);
    let told = ["set out to copy the whole database", "put a backup in the place of the database"];
    assert_eq!(told.map(|told| log.matches(told).count()), [1, 1], "of each one that was done: {log}");
    hub.say(&["audit", "verify"]);
}

#[tokio::test]
async fn two_hubs_do_not_serve_from_one_file() {
    let hub = Hub::start();
    let second = hub.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(words.contains("another hub uses this database"), "{words}");
}

#[tokio::test]
async fn it_encrypts_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&cert, pair.cert.pem()).unwrap();
    fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let hub = Hub::start_with(&format!("tls = {{ cert = {cert:?}, key = {key:?} }}"));
    assert!(hub.url.starts_with("https://"), "{}", hub.url);
    let device = hub.enrol().await;
    assert_eq!(device.send(&hub, &device.events([1])).await, [Verdict::Accepted]);

    let swapped = hub.run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        &key.display().to_string(),
        "--database",
        &format!("sqlite:{}", folder.path().join("other.sqlite").display()),
    ]);
    let words = String::from_utf8(swapped.stderr).unwrap();
    assert!(words.contains("key.pem") && !swapped.status.success(), "{words}");
}

#[tokio::test]
async fn a_postgres_that_is_not_there_is_said_with_what_to_do_and_without_the_password() {
    let hub = Hub::start();
    let url = "postgres://hub:hunter2@127.0.0.1:1/events";
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["code", "new"], &["device", "list"]] {
        let refused = hub.run(&[command, &["--database", url]].concat());
        assert!(!refused.status.success());
        let words = String::from_utf8([refused.stdout, refused.stderr].concat()).unwrap();
        assert!(words.contains("PostgreSQL at 127.0.0.1:1/events cannot be used: "), "{words}");
        assert!(words.contains("see that it runs") && !words.contains("hunter2"), "{words}");
    }
    for (command, instead) in [("backup", "pg_dump"), ("restore", "pg_restore")] {
        let refused = hub.run(&[command, "file", "--database", url]);
        assert!(!refused.status.success());
        let words = String::from_utf8(refused.stderr).unwrap();
        assert!(words.contains(instead) && !words.contains("hunter2"), "{words}");
    }
}
