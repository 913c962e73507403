//! G5: who is told of stays so when people are erased, whichever hub is asked. What may be told at all: `tests/insights`.

use firstlight_contract::kpis::InsightsFilters;
use serde_json::json;
use uuid::Uuid;

use crate::common::{Hub, read};

/// Somebody begins a journey.
async fn begins(hub: &Hub, person: &str, persona: &str) {
    let code = hub.say(&["code", "new", "--for", person]);
    let device = hub.enrol_with(code.trim()).await;
    let mut begun = device.event(1);
    begun["type"] = "dev.firstlight.journey.started".into();
    begun["data"] = json!({ "journey": Uuid::now_v7(), "persona": persona, "clock": "first_launch" });
    device.send(hub, &[begun]).await;
}

async fn told_of(hub: &Hub, viewer: &str) -> Vec<String> {
    let asked = hub.get("/v1/insights/filters").bearer_auth(viewer);
    let filters: InsightsFilters = read(asked.send().await.unwrap()).await;
    filters.personas
}

/// The first five of web begin before data does, and the others after: without the first, data was enough sooner.
async fn company(hub: &Hub) -> Vec<String> {
    let people = |persona: &'static str, numbers: std::ops::Range<u32>| {
        numbers.map(move |number| (format!("{persona}-{number}"), persona))
    };
    let first: Vec<(String, &str)> = people("web", 0..5).collect();
    let others = people("data", 0..6).chain(people("web", 5..10)).chain(people("qa", 0..3));
    for (person, persona) in first.iter().cloned().chain(others) {
        begins(hub, &person, persona).await;
    }
    first.into_iter().map(|(person, _)| person).collect()
}

fn erase(hub: &Hub, people: &[String]) {
    let people = people.iter().map(String::as_str);
    let arguments: Vec<&str> = ["person", "erase", "--yes"].into_iter().chain(people).collect();
    hub.say(&arguments);
}

#[tokio::test]
async fn g5_who_is_told_of_stays_so_when_the_first_of_them_are_erased() {
    let mut hub = Hub::start();
    let viewer = hub.token_of("vera", "viewer");
    let first = company(&hub).await;
    assert_eq!(told_of(&hub, &viewer).await, ["web"], "data tells of the three of qa beside it");
    erase(&hub, &first);
    assert_eq!(told_of(&hub, &viewer).await, ["web"]);
    hub.kill();
    hub.serve();
    assert_eq!(told_of(&hub, &viewer).await, ["web"]);
}

#[cfg(unix)]
#[tokio::test]
async fn g5_who_is_told_of_stays_so_on_another_hub() {
    let Some(server) = crate::postgres::Server::shared() else { return };
    let url = server.fresh();
    let (hub, other) = (Hub::start_on(&url), Hub::start_on(&url));
    let viewer = hub.token_of("vera", "viewer");
    let first = company(&hub).await;
    assert_eq!(told_of(&hub, &viewer).await, ["web"]);
    erase(&hub, &first);
    assert_eq!(told_of(&other, &viewer).await, ["web"]);
    assert_eq!(told_of(&hub, &viewer).await, ["web"]);
}
