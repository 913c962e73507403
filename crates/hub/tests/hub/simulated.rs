//! A company that joins, waits, fails, leaves, comes back, is offline and repeats itself: the hub's figures are those
//! counted from what was sent.

use std::process::Output;

use firstlight_hub::store::{
    kpis::Kpis as _,
    requests::{Requests as _, Which},
    sqlite::SqliteStore,
};
use jiff::Timestamp;

use crate::common::Hub;

fn company(hub: &Hub, more: &[&str]) -> Output {
    let arguments = ["simulate", "--hub", &hub.url, "--people", "70", "--weeks", "12"];
    hub.run(&[&arguments[..], more].concat())
}

const CONFIG: &str = "enrolments_per_minute = 1000000\nzone = \"Europe/Berlin\"\n[hooks]\ngithub_secret = \"a-long-secret-of-github\"";

fn hub() -> Hub {
    Hub::start_with(CONFIG)
}

#[tokio::test]
async fn a_simulated_company_is_counted_exactly() {
    let hub = hub();
    // A minute more, in which promises are broken.
    let output = company(&hub, &["--seed", "4", "--late"]);
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    for figure in [
        "figures are what they have to be",
        "median days to first value",
        "median days to the first merged change",
        "adoption by users",
        "users of portal",
        "csat of everybody",
        "response of everybody",
        "owners who promised something: 5",
        "promises kept of everybody",
    ] {
        assert!(text.contains(figure), "{figure}: {text}");
    }
    // What it read with counts no longer, and it is nobody who was to be onboarded.
    let left = hub.say(&["role", "list"]);
    assert!(
        left.lines().count() == 1 && left.contains("access token 1") && left.contains("revoked"),
        "{left}"
    );
    let store = SqliteStore::open(&hub.database()).unwrap();
    assert_eq!(store.known().await.unwrap(), store.known_from_log().await.unwrap());
    let requests = store.requests(Which::Since(Timestamp::MIN)).await.unwrap();
    assert!(requests.iter().any(|request| request.answered.is_some() && request.ended.is_some()));
    assert_eq!(requests, store.ask_again().await.unwrap());
    // It is nobody's company now.
    let again = company(&hub, &["--seed", "5"]);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("a hub of its own"));
}

#[cfg(unix)]
#[tokio::test]
async fn f6_a_simulated_company_with_wrong_clocks_is_counted_exactly_on_postgres() {
    let Some(server) = crate::postgres::Server::shared() else { return };
    let hub = Hub::start_on_with(&server.fresh(), CONFIG);
    let output = company(&hub, &["--seed", "6"]);
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    assert!(text.contains("figures are what they have to be"), "{text}");
    // As many as a simulated company has.
    assert!(hub.say(&["device", "list"]).matches("  clock ").count() > 2);
    let sqlite = self::hub();
    let same = company(&sqlite, &["--seed", "6"]);
    assert_eq!(text, String::from_utf8_lossy(&same.stdout), "both say the same");
}

#[tokio::test]
async fn a_hub_that_counts_differently_is_found_out() {
    let mut hub = hub();
    // Days begin elsewhere than the simulation takes them to.
    let file = hub.folder.path().join("hub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("Europe/Berlin", "Pacific/Kiritimati")).unwrap();
    // With a token that was brought along none is made.
    let token = hub.folder.path().join("token");
    std::fs::write(&token, hub.token_of("vera", "viewer")).unwrap();
    let output = company(&hub, &["--token-file", &token.display().to_string()]);
    assert_eq!(hub.say(&["role", "list"]).lines().count(), 2);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("figures are not what they have to be:\n"), "{errors}");
    hub.kill();
}

#[tokio::test]
async fn the_guide_to_insights_is_true() {
    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/insights.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let command =
        guide.lines().find_map(|line| line.strip_prefix("$ firstlight-hub ")?.split_once("simulate "));
    let hub = hub();
    let url = ("http://127.0.0.1:7411", hub.url.as_str());
    let words = command.unwrap().1.split(' ').map(|word| if word == url.0 { url.1 } else { word });
    hub.say(&[&["simulate"], &words.collect::<Vec<_>>()[..]].concat());
    // Every address it names is one, and every figure that is not of counts alone is explained.
    let answer: serde_json::Value =
        serde_json::from_str(&hub.look("/v1/insights/summary").send().await.unwrap().text().await.unwrap())
            .unwrap();
    for figure in
        answer["ttfv"].as_object().unwrap().keys().chain(answer["adoption"].as_object().unwrap().keys())
    {
        let named =
            guide.contains(&format!("`{figure}`")) || ["median", "p75", "p90"].contains(&figure.as_str());
        assert!(named, "{figure} is not explained");
    }
}

#[tokio::test]
async fn g5_of_four_people_no_route_says_anything() {
    let hub = hub();
    hub.say(&["simulate", "--hub", &hub.url, "--people", "4", "--weeks", "10", "--seed", "2"]);
    let mut asked = 0;
    for route in firstlight_hub::http::ROUTES {
        let Some(name) = route.path.strip_prefix("/v1/insights/") else { continue };
        // About machines, and what can be asked for.
        if name == "completeness" {
            continue;
        }
        let query = match name {
            "retrospective" => "pack=acme&release=2.0.0&before=1.0.0&",
            _ => "",
        };
        for format in ["json", "csv"] {
            let answer = hub.look(&format!("{}?{query}format={format}", route.path)).send().await.unwrap();
            let text = answer.text().await.unwrap();
            // A day on which nobody did anything says so.
            let told = text.replace(r#""answer":"known","value":0.0,"#, "").replace(",known,0,", "");
            assert!(!told.contains("known") && !text.contains("not_reached"), "{name}: {text}");
            assert!(name != "filters" || !text.contains("backend"), "{text}");
            asked += 1;
        }
    }
    assert_eq!(asked, 20);
}
