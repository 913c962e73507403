//! G6: a person is handed over and erased, while the hub serves, and nothing is left of them.

use std::fs;

use firstlight_contract::hub::Verdict;
use serde_json::{Value, json};

use crate::common::{Device, Hub, problem};

/// What only Ada has written.
const WORDS: &str = "ada-thinks-so";

fn code(hub: &Hub, person: &str) -> String {
    hub.say(&["code", "new", "--for", person]).trim().to_owned()
}

/// What somebody says of a journey, and in words.
fn events(device: &Device) -> Vec<Value> {
    let mut events = device.events(1..=4);
    events[0]["type"] = "dev.firstlight.journey.started".into();
    events[0]["data"] = json!({ "journey": device.id, "persona": "backend" });
    events[1]["type"] = "dev.firstlight.feedback.given".into();
    events[1]["data"] = json!({ "submission": device.id, "comment": WORDS });
    events
}

/// A hub with Ada and Grace; then without Ada.
async fn erased(hub: &Hub) -> Vec<Vec<u8>> {
    let ada = hub.enrol_with(&code(hub, "ada@acme.test")).await;
    let grace = hub.enrol_with(&code(hub, "grace@acme.test")).await;
    assert_eq!(ada.send(hub, &events(&ada)).await, vec![Verdict::Accepted; 4]);
    grace.send(hub, &grace.events(1..=3)).await;

    let file = hub.folder.path().join("ada.json");
    let name = file.display().to_string();
    hub.say(&["person", "export", "ada@acme.test", "--file", &name]);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(
        !hub.run(&["person", "export", "ada@acme.test", "--file", &name]).status.success(),
        "nothing is overwritten"
    );
    let document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(document["format"], 1);
    assert_eq!(document["tables"]["event"].as_array().unwrap().len(), 4);
    assert_eq!(document["tables"]["device"][0]["id"], ada.id.to_string());
    assert_eq!(document["tables"]["feedback"][0]["comment"], WORDS);
    let printed: Value =
        serde_json::from_str(&hub.say(&["person", "export", &format!("#{}", document["person"])])).unwrap();
    assert_eq!(printed["tables"]["event"], document["tables"]["event"]);

    // It asks, and nobody is there to answer.
    let asked = hub.run(&["person", "erase", "ada@acme.test"]);
    assert!(!asked.status.success());
    assert!(String::from_utf8(asked.stderr).unwrap().contains("--yes"));
    let unknown = hub.run(&["person", "erase", "ada@acme.test", "nobody@acme.test", "--yes"]);
    assert!(!unknown.status.success());
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("knows nothing of `nobody@acme.test`"));
    assert_eq!(ada.standing(hub).await.high_water, 4, "all or none");
    hub.say(&["person", "erase", "ada@acme.test", "--yes"]);

    // As from somebody who was never let in.
    let after = problem(ada.post(hub, &ada.events([5])).send().await.unwrap(), 401).await;
    let stranger = Device { id: ada.id, token: "flh_made-up".to_owned() };
    assert_eq!(after, problem(stranger.post(hub, &ada.events([5])).send().await.unwrap(), 401).await);
    assert_eq!(grace.standing(hub).await.accepted, 3);
    assert_eq!(hub.counted().await, 3);
    assert!(!hub.run(&["person", "export", "ada@acme.test"]).status.success());
    let log = hub.say(&["audit", "list"]);
    assert!(log.contains("handed over everything that is known of somebody who was erased"), "{log}");
    assert!(log.contains("erased people: 1"), "{log}");
    hub.say(&["audit", "verify"]);
    // A device of a person who was erased is somebody new, if they come again.
    let again = hub.try_enrol(&code(hub, "grace@acme.test"), uuid::Uuid::now_v7()).await;
    assert_eq!(again.status(), 201);
    vec![WORDS.as_bytes().to_vec(), ada.id.as_bytes().to_vec(), ada.id.to_string().into_bytes()]
}

fn has(bytes: &[u8], trace: &[u8]) -> bool {
    bytes.windows(trace.len()).any(|window| window == trace)
}

#[tokio::test]
async fn g6_somebody_is_erased_while_the_hub_serves_and_not_in_its_file_any_more() {
    let hub = Hub::start();
    let traces = erased(&hub).await;
    for entry in fs::read_dir(hub.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        assert!(!traces.iter().any(|trace| has(&bytes, trace)), "{}", path.display());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn g6_somebody_is_erased_from_postgres_and_in_no_dump_any_more() {
    let Some(server) = crate::postgres::Server::shared() else { return };
    let url = server.fresh();
    let hub = Hub::start_on(&url);
    let traces = erased(&hub).await;
    let dump = server.dump(&url);
    assert!(has(&dump, b"dev.firstlight.step.changed"), "there was something to read");
    assert!(!traces.iter().any(|trace| has(&dump, trace)));
}

#[tokio::test]
async fn what_is_too_old_is_forgotten_by_hand_too() {
    let hub = Hub::start();
    let device = hub.enrol().await;
    device.send(&hub, &device.events(1..=3)).await;
    let said = hub.say(&["forget"]);
    assert_eq!(said, "forgot 0 events, 0 journeys, 0 answers, 0 signals, 0 devices, 0 people\n");
    assert_eq!(hub.counted().await, 3);
}

#[test]
fn what_is_handed_over_is_described_table_by_table() {
    use firstlight_hub::store::people::{Rows, TABLES};
    let guide = include_str!("../../../../docs/hub.md");
    let described = guide.split("## What people may ask of you").nth(1).unwrap();
    let described = described.split("**What is erased**").next().unwrap();
    for table in TABLES {
        let of_people = !matches!(table.rows, Rows::Sums | Rows::Nobodys);
        assert_eq!(described.contains(&format!("`{}`", table.name)), of_people, "{}", table.name);
    }
}
