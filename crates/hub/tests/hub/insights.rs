//! Figures over HTTP: asked rightly, asked wrongly, as JSON and as CSV.

use std::time::Duration;

use firstlight_contract::kpis::{Completeness, InsightsSummary, KpiAnswer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{Hub, PATIENCE, accepted, problem, read};

#[tokio::test]
async fn a_hub_that_knows_little_says_so_in_both_forms() {
    let hub = Hub::start();
    let device = hub.enrol().await;
    assert_eq!(accepted(&device.send(&hub, &device.events([1, 3])).await), 2);
    let completeness: Completeness = read(hub.look("/v1/insights/completeness").send().await.unwrap()).await;
    assert_eq!((completeness.devices, completeness.produced, completeness.missing), (1, 3, 1));
    let summary: InsightsSummary = read(hub.look("/v1/insights/summary").send().await.unwrap()).await;
    assert_eq!(summary.ttfv.median.answer, KpiAnswer::NotEnough);
    assert_eq!(summary.active.daily.answer, KpiAnswer::Suppressed, "one person is few");
    assert_eq!(summary.ttfv.median.received_share, Some(2.0 / 3.0));

    let asked =
        hub.look("/v1/insights/summary").header("accept", "text/csv;q=0.9, */*;q=0.1").send().await.unwrap();
    assert_eq!(asked.headers()["content-type"], "text/csv; charset=utf-8");
    let csv = asked.text().await.unwrap();
    assert!(csv.starts_with("figure,answer,value,ci_low,"), "{csv}");
    assert!(csv.contains("\r\nttfv_median_days,not_enough,,,"), "{csv}");
    for route in [
        "filters",
        "summary",
        "ttfv?by=release",
        "steps",
        "funnel",
        "activity",
        "services",
        "surveys",
        "completeness",
    ] {
        let with = if route.contains('?') { '&' } else { '?' };
        let answer = hub.look(&format!("/v1/insights/{route}{with}format=csv")).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["cache-control"].to_str().unwrap()),
            (200, "no-store")
        );
        assert!(answer.text().await.unwrap().contains(','));
    }
}

#[tokio::test]
async fn a_figure_is_never_older_than_what_was_acknowledged() {
    let hub = Hub::start();
    let device = hub.enrol().await;
    let accepted_so_far = async || {
        let told: Completeness = read(hub.look("/v1/insights/completeness").send().await.unwrap()).await;
        (told.devices, told.accepted, told.refused)
    };
    assert_eq!(accepted_so_far().await, (1, 0, 0));
    for sequence in 1..6_u32 {
        device.send(&hub, &device.events([sequence.into()])).await;
        assert_eq!(accepted_so_far().await, (1, sequence, 0));
    }
    let mut refused = device.event(6);
    refused["type"] = "dev.firstlight.unheard-of".into();
    device.send(&hub, &[refused]).await;
    assert_eq!(accepted_so_far().await, (1, 5, 1));
    hub.enrol().await;
    assert_eq!(accepted_so_far().await, (2, 5, 1));
}

#[tokio::test]
async fn figures_of_many_are_sorted_out_before_anybody_asks() {
    let hub = Hub::start();
    let device = hub.enrol().await;
    let journeys = (1..=1_000).map(|sequence| {
        let mut begun = device.event(sequence);
        begun["type"] = "dev.firstlight.journey.started".into();
        begun["data"] = json!({ "journey": Uuid::now_v7(), "persona": "backend", "clock": "first_launch" });
        begun
    });
    let journeys: Vec<Value> = journeys.collect();
    assert_eq!(accepted(&device.send(&hub, &journeys).await), 1_000);
    let sorted = async || -> u64 {
        let text = hub.get("/metrics").send().await.unwrap().text().await.unwrap();
        let mut lines =
            text.lines().filter_map(|line| line.strip_prefix("firstlight_hub_figures_sorted_total "));
        lines.next().unwrap().parse().unwrap()
    };
    // From here on the hub knows how many they are.
    let told: Completeness = read(hub.look("/v1/insights/completeness").send().await.unwrap()).await;
    assert_eq!(told.journeys, 1_000);
    let before = sorted().await;
    device.send(&hub, &device.events([1_001])).await;
    let again = async {
        while sorted().await == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("it is sorted out though nobody asks");
    // And while nothing is new that is the end of it.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = sorted().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(sorted().await, after);
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let hub = Hub::start();
    for wrong in [
        "summary?squad=blue",
        "summary?team=blue&persona=data",
        "ttfv?by=team&period=2026&team=blue",
        "ttfv?value=deployed",
        "services?by=team",
        "surveys?period=2026-11",
        "surveys?team=blue",
        "summary?period=2026-11-26",
        "summary?period=yesterday",
        "summary?release=3.2.0",
        "summary?persona=data&release=acme@1.0.0&period=2026",
        "ttfv?by=squad",
        "ttfv?by=persona&persona=a&persona=b",
        "steps?format=xml",
        "filters?persona=data",
        "completeness?period=2026",
        "retrospective?pack=acme&release=3.2.0",
    ] {
        let problem = problem(hub.look(&format!("/v1/insights/{wrong}")).send().await.unwrap(), 400).await;
        assert!(!problem.error.message.contains("failed"), "{wrong}: {}", problem.error.message);
    }
}

#[tokio::test]
async fn the_description_has_the_parameters_and_shapes_of_every_figure() {
    let hub = Hub::start();
    let document: Value = read(hub.get("/openapi.json").send().await.unwrap()).await;
    for (path, operation) in document["paths"].as_object().unwrap() {
        let Some(name) = path.strip_prefix("/v1/insights/") else { continue };
        let parameters = operation["get"]["parameters"].as_array().unwrap();
        assert!(parameters.iter().any(|parameter| parameter["name"] == "format"), "{name}");
        // What is answered has every field that is described as there.
        let required = parameters.iter().filter(|parameter| parameter["required"] == true);
        let query: Vec<String> =
            required.map(|parameter| format!("&{}=1.0.0", parameter["name"].as_str().unwrap())).collect();
        let query = query.concat();
        let answer: Value = read(hub.look(&format!("{path}?format=json{query}")).send().await.unwrap()).await;
        let shape = &operation["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
        let schema = &document["components"]["schemas"][shape.as_str().unwrap().rsplit('/').next().unwrap()];
        let described: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), described, "{name}");
    }
}
