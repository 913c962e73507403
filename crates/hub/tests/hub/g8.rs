//! G8: who may what, as long as they may, and a log of every act.

use firstlight_contract::audit::AuditPage;
use firstlight_hub::http::{ROUTES, Who};
use reqwest::RequestBuilder;
use uuid::Uuid;

use crate::common::{Hub, problem, read};

/// What the log says, without when.
fn log(hub: &Hub) -> Vec<String> {
    let listed = hub.say(&["audit", "list"]);
    listed.lines().map(|line| line.splitn(3, "  ").nth(2).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn g8_every_command_that_does_something_is_in_the_log_with_who_gave_it() {
    let hub = Hub::start();
    let device = hub.enrol_with(hub.say(&["code", "new", "--for", "ada", "--expires", "1h"]).trim()).await;
    let id = device.id.to_string();
    hub.say(&["device", "revoke", &id]);
    hub.say(&["device", "revoke", &id]);
    hub.say(&["integration", "new", "portal"]);
    hub.say(&["person", "alias", "ada", "github:ada-l"]);
    hub.say(&["role", "grant", "ada", "step-owner:it-helpdesk"]);
    hub.say(&["role", "token", "ada", "--expires", "30m"]);
    for said in [&["device", "list"][..], &["integration", "list"], &["role", "list"], &["audit", "verify"]] {
        hub.say(said);
    }
    hub.say(&["role", "revoke-token", "1"]);
    hub.say(&["role", "revoke", "ada", "step-owner:it-helpdesk"]);
    hub.say(&["integration", "revoke", "portal"]);
    for refused in [
        &["device", "revoke", &Uuid::nil().to_string()][..],
        &["integration", "revoke", "other"],
        &["person", "alias", "bo", "github:ada-l"],
        &["role", "revoke", "ada", "admin"],
        &["role", "revoke-token", "7"],
        &["role", "list", "nobody"],
        &["role", "grant", "ada", "root"],
        &["role", "grant", "ada", "step-owner"],
    ] {
        let refused = hub.run(refused);
        assert!(!refused.status.success() && !refused.stderr.is_empty());
    }
    let said = log(&hub);
    let account = whoami::username().unwrap();
    assert!(said[0].starts_with("the hub began to serve with these settings: "), "{}", said[0]);
    assert!(said[0].contains("trusted_proxies=\"127.0.0.1, ::1\""), "{}", said[0]);
    let expected = [
        "made an enrolment code for person 1, until ",
        &format!("shut out device {id} of person 1"),
        "let in the integration portal",
        "gave person 1 another name",
        "gave person 1 the role step-owner:it-helpdesk",
        "made access token 1 for person 1, until ",
        "shut out access token 1 of person 1",
        "took the role step-owner:it-helpdesk from person 1",
        "shut out the integration portal",
    ];
    assert_eq!(said.len(), expected.len() + 1, "{said:#?}");
    for (said, expected) in said[1..].iter().zip(expected) {
        let words = said.split_once(" at the hub's machine ").unwrap();
        assert!(words.0.ends_with(&account) && words.1.starts_with(expected), "{said}: {expected}");
    }
}

#[tokio::test]
async fn g8_a_token_opens_what_roles_say_for_as_long_as_both_count() {
    let hub = Hub::start();
    let ask = async |token: &str| hub.get("/v1/insights/summary").bearer_auth(token).send().await.unwrap();
    let token = hub.say(&["role", "token", "ada"]).trim().to_owned();
    assert!(token.starts_with("flr_") && token.len() > 40, "{token}");
    let without = problem(ask(&token).await, 403).await.error;
    assert!(without.message.contains("viewer") && without.hint.contains("role grant"), "{without:?}");
    hub.say(&["role", "grant", "ada", "author"]);
    assert_eq!(ask(&token).await.status(), 200);
    hub.say(&["role", "revoke", "ada", "author"]);
    problem(ask(&token).await, 403).await;
    hub.say(&["role", "grant", "ada", "viewer"]);
    let second = hub.say(&["role", "token", "ada", "--expires", "1h"]).trim().to_owned();
    let listed = hub.say(&["role", "list", "ada"]);
    assert!(
        listed.contains("person 1  viewer  since ") && listed.contains("person 1  access token 2  since ")
    );
    assert!(!listed.contains(&token) && !listed.contains(&second));
    hub.say(&["role", "revoke-token", "1"]);
    let shut_out = problem(ask(&token).await, 401).await.error;
    assert!(shut_out.hint.contains("role token"), "{shut_out:?}");
    assert_eq!(ask(&second).await.status(), 200);
    // What is kept of it opens nothing.
    let raw = rusqlite::Connection::open(hub.database()).unwrap();
    let hash: Vec<u8> = raw.query_row("SELECT token FROM access WHERE id = 2", [], |row| row.get(0)).unwrap();
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    problem(ask(&format!("flr_{hex}")).await, 401).await;
    raw.execute("UPDATE access SET expires = 1000 WHERE id = 2", []).unwrap();
    problem(ask(&second).await, 401).await;
}

#[tokio::test]
async fn g8_whoever_asks_all_the_time_is_slowed_down() {
    let hub = Hub::start_with("requests_per_minute = 3");
    let token = hub.token_of("ada", "viewer");
    let ask = || hub.get("/v1/insights/filters").bearer_auth(&token).send();
    for _ in 0..3 {
        assert_eq!(ask().await.unwrap().status(), 200);
    }
    problem(ask().await.unwrap(), 429).await;
}

/// What proxies of all kinds add, and what somebody who wants to look near could send along.
const PASSED_ON: [(&str, &str); 9] = [
    ("x-forwarded-for", "203.0.113.7"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-forwarded-for", "203.0.113.7, 127.0.0.1"),
    ("x-forwarded-host", "hub.acme.test"),
    ("x-forwarded-proto", "https"),
    ("forwarded", "for=127.0.0.1"),
    ("x-real-ip", "127.0.0.1"),
    ("via", "1.1 proxy"),
    ("x-forwarded-for", ""),
];

#[tokio::test]
async fn g8_being_on_the_hubs_machine_opens_nothing_about_people() {
    for config in ["", "trusted_proxies = []", "metrics_token = \"a-long-metrics-token\""] {
        let hub = Hub::start_with(config);
        let mut asked = 0;
        for route in ROUTES {
            let ask =
                || hub.client.request(route.method.parse().unwrap(), format!("{}{}", hub.url, route.path));
            let status = async |request: RequestBuilder| request.send().await.unwrap().status().as_u16();
            match route.who {
                Who::Role(_) => {
                    // A proxy that says nothing of whom it speaks for, and the metrics token, are nobody.
                    assert_eq!(status(ask()).await, 401, "{}", route.path);
                    assert_eq!(
                        status(ask().bearer_auth("a-long-metrics-token")).await,
                        401,
                        "{}",
                        route.path
                    );
                    asked += 1;
                }
                Who::Operator => {
                    assert!([200, 400].contains(&status(ask()).await), "{}", route.path);
                    for (name, value) in PASSED_ON {
                        let passed_on = status(ask().header(name, value)).await;
                        assert_eq!(passed_on, 401, "{} with {name}: {value}, {config}", route.path);
                    }
                }
                Who::Anyone | Who::Device | Who::Integration => {}
            }
        }
        assert!(asked >= 10);
    }
}

#[tokio::test]
async fn g8_the_log_is_read_page_by_page_and_its_checkpoints_are_kept_elsewhere() {
    let mut hub = Hub::start();
    let token = hub.token_of("sky", "security-reviewer");
    let ask = async |path: &str| hub.get(path).bearer_auth(&token).send().await.unwrap();
    let page: AuditPage = read(ask("/v1/audit").await).await;
    let said: Vec<String> = page.acts.iter().map(|act| format!("{} {}", act.who, act.what)).collect();
    assert_eq!((said, page.next), (log(&hub), None));
    let later: AuditPage = read(ask("/v1/audit?after=2").await).await;
    assert_eq!((later.acts.len(), &later.acts[0]), (1, &page.acts[2]));
    for wrong in ["after=-1", "after=x", "before=1"] {
        problem(ask(&format!("/v1/audit?{wrong}")).await, 400).await;
    }
    // As many as there may be in one answer, and one more.
    let simulated: Vec<String> = (0..499).map(|n| n.to_string()).collect();
    let store = firstlight_hub::store::sqlite::SqliteStore::open(&hub.database()).unwrap();
    for name in simulated {
        use firstlight_hub::{
            audit::{Act, By},
            store::audit::Audit as _,
        };
        store.note(&By::hub(jiff::Timestamp::now()), &Act::IntegrationMade { name }).await.unwrap();
    }
    let first: AuditPage = read(ask("/v1/audit").await).await;
    assert_eq!((first.acts.len(), first.next), (500, Some(500)));
    let rest: AuditPage = read(ask("/v1/audit?after=500").await).await;
    assert_eq!((rest.acts.len(), rest.next), (2, None));

    let note = ask("/v1/audit/checkpoint").await.text().await.unwrap();
    assert_eq!(note, hub.say(&["audit", "checkpoint"]));
    let (kept, other) = (hub.folder.path().join("kept"), hub.folder.path().join("other"));
    std::fs::write(&kept, &note).unwrap();
    std::fs::write(&other, note.replace("502", "501")).unwrap();
    let verify =
        |file: &std::path::Path| hub.run(&["audit", "verify", "--checkpoint", &file.display().to_string()]);
    let fine = verify(&kept);
    let words = String::from_utf8(fine.stdout).unwrap();
    assert_eq!(
        words,
        "502 acts, all as they were written; 502 of them signed, 0 name somebody who was erased\n"
    );
    assert!(!verify(&other).status.success());
    // The last act is gone, and everything that says so.
    let raw = rusqlite::Connection::open(hub.database()).unwrap();
    raw.execute_batch(
        "DROP TRIGGER audit_is_not_deleted; DELETE FROM audit WHERE seq = 502; DELETE FROM audit_checkpoint;
         UPDATE audit_log SET size = 501",
    )
    .unwrap();
    hub.say(&["audit", "verify"]);
    let found = verify(&kept);
    assert_eq!(found.status.code(), Some(1));
    let words = String::from_utf8(found.stderr).unwrap();
    assert!(words.contains("only 501 records are there, 502 were signed"), "{words}");
    hub.kill();
}

#[tokio::test]
async fn g8_other_settings_that_rights_depend_on_are_in_the_log_and_no_secret_of_them() {
    let mut hub = Hub::start();
    hub.kill();
    // The same again is nothing to tell.
    hub.serve();
    hub.kill();
    assert_eq!(log(&hub).len(), 1);
    let file = hub.folder.path().join("hub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}metrics_token = \"a-long-metrics-token\"\nread_seconds = 7\n"))
        .unwrap();
    hub.serve();
    let said = log(&hub);
    assert_eq!(said.len(), 2);
    assert!(
        said[0].contains("metrics_token=\"\"") && said[1].contains("metrics_token=\"(set)\""),
        "{said:?}"
    );
    assert!(!said[1].contains("a-long-metrics-token"));
}

#[tokio::test]
async fn g8_the_export_is_all_that_is_needed_to_verify_the_log() {
    let hub = Hub::start();
    // No name that hashes could spell by chance.
    hub.token_of("grace-hopper", "viewer");
    hub.say(&["audit", "checkpoint"]);
    let file = hub.folder.path().join("audit.jsonl");
    let name = file.display().to_string();
    hub.say(&["audit", "export", &name]);
    assert!(!hub.run(&["audit", "export", &name]).status.success(), "nothing is overwritten");
    let exported = std::fs::read_to_string(&file).unwrap();
    assert_eq!(exported, hub.say(&["audit", "export"]));
    let lines: Vec<serde_json::Value> =
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((of("audit"), of("record"), of("name"), of("checkpoint")), (1, 3, 2, 1));
    assert!(!exported.contains("hopper") && !exported.contains("seed"), "{exported}");
    let origin = lines[0]["origin"].as_str().unwrap();
    assert!(lines[0]["key"].as_str().unwrap().starts_with(&format!("{origin}+")));
}

/// What an operator types as the guide says it.
#[tokio::test]
async fn the_guide_to_the_hub_is_true_of_roles_and_the_log() {
    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/hub.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let hub = Hub::start();
    let folder = hub.folder.path().display().to_string();
    let mut typed = 0;
    for line in guide.lines().filter_map(|line| line.strip_prefix("$ firstlight-hub ")) {
        let line = line.replace("/elsewhere", &folder);
        let (command, file) =
            line.split_once(" > ").map_or((line.as_str(), None), |(command, file)| (command, Some(file)));
        let mut words: Vec<&str> = command.split(' ').collect();
        if words.starts_with(&["person", "erase"]) {
            // Nobody is there to answer.
            words.push("--yes");
        }
        if !["code", "integration", "person", "role", "audit"].contains(&words[0]) {
            continue;
        }
        let said = hub.say(&words);
        if let Some(file) = file {
            std::fs::write(file, said).unwrap();
        }
        typed += 1;
    }
    assert!(typed >= 10, "{typed}");
    for role in firstlight_hub::rights::Role::ALL {
        assert!(guide.contains(&format!("\n| `{}", role.name())), "{role:?}");
    }
    for setting in firstlight_hub::config::SETTINGS {
        assert!(guide.contains(&format!("`{}`", setting.key)), "{}", setting.key);
    }
}
