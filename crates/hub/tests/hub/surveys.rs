//! Surveys: asked across devices no more often than promised, and told of only where nobody stands out.

use firstlight_contract::surveys::{Cooldown, SurveyResults};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{Device, Hub, accepted, problem, read};

fn event(device: &Device, sequence: u64, kind: &str, data: Value) -> Value {
    let mut event = device.event(sequence);
    event["type"] = format!("dev.firstlight.{kind}").into();
    event["data"] = data;
    event
}

/// What the outbox makes of a survey that was answered and sent.
fn submission(device: &Device, first: u64, score: u8, words: &str) -> Vec<Value> {
    let id = Uuid::now_v7();
    let base = |more: Value| {
        let mut data = json!({ "submission": id, "survey": "recommend" });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let answered = |more| base(more);
    vec![
        event(device, first, "survey.shown", base(json!({ "asks_nps": true }))),
        event(
            device,
            first + 1,
            "survey.answered",
            answered(json!({ "question": "recommend", "question_kind": "nps", "score": score })),
        ),
        event(
            device,
            first + 2,
            "survey.answered",
            answered(json!({ "question": "why", "question_kind": "text", "comment": words })),
        ),
        event(device, first + 3, "survey.ended", base(json!({ "ending": "sent" }))),
    ]
}

async fn results(hub: &Hub) -> SurveyResults {
    read(hub.look("/v1/surveys/results").send().await.unwrap()).await
}

#[tokio::test]
async fn a_person_who_was_asked_on_one_device_is_not_asked_on_another() {
    let hub = Hub::start();
    let code = || hub.say(&["code", "new", "--for", "ada"]).trim().to_owned();
    let (desktop, laptop) = (hub.enrol_with(&code()).await, hub.enrol_with(&code()).await);
    let stranger = hub.enrol().await;
    let cooldown = async |device: &Device| -> Cooldown {
        read(hub.get("/v1/surveys/cooldown").bearer_auth(&device.token).send().await.unwrap()).await
    };
    assert_eq!(cooldown(&laptop).await, Cooldown::default());
    let sent = submission(&desktop, 1, 9, "Good.");
    assert_eq!(accepted(&desktop.send(&hub, &sent).await), 4);
    let known = cooldown(&laptop).await;
    let at: Timestamp = sent[0]["time"].as_str().unwrap().parse().unwrap();
    let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap();
    assert_eq!(known.asked_at, Some(at.to_string()));
    assert_eq!(known.nps_asked_at, known.asked_at);
    assert_eq!(cooldown(&stranger).await, Cooldown::default());
}

#[tokio::test]
async fn g5_answers_are_told_of_once_nobody_stands_out() {
    let hub = Hub::start();
    let mut devices = Vec::new();
    for _ in 0..4 {
        devices.push(hub.enrol().await);
    }
    for (device, score) in devices.iter().zip([9, 10, 3, 8]) {
        device.send(&hub, &submission(device, 1, score, "=cmd|' /C calc'!A0")).await;
    }
    // As often as it is sent.
    let again = submission(&devices[0], 5, 0, "Twice.");
    devices[0].send(&hub, &again).await;
    devices[0].send(&hub, &again).await;
    let told = results(&hub).await;
    assert!(told.surveys[0].endings.is_none());
    assert!(told.surveys[0].questions.iter().all(|question| question.n == 0 && question.counts.is_empty()));

    for score in [10, 9, 9, 7, 0, 10] {
        let device = hub.enrol().await;
        device.send(&hub, &submission(&device, 1, score, "Fine, \"really\".")).await;
        devices.push(device);
    }
    let told = results(&hub).await;
    let survey = &told.surveys[0];
    let (nps, why) = (&survey.questions[0], &survey.questions[1]);
    assert_eq!(
        (survey.survey.as_str(), nps.question.as_str(), why.question.as_str()),
        ("recommend", "recommend", "why")
    );
    // 9 10 3 8 10 and 9 9 7 0 10: two batches of five.
    let counts: Vec<(&str, u64)> = nps.counts.iter().map(|count| (count.answer.as_str(), count.n)).collect();
    assert_eq!((nps.n, counts), (10, vec![("detractors", 2), ("passives", 2), ("promoters", 6)]));
    assert!(!nps.enough && nps.value.is_none(), "ten answers are too few to say an NPS");
    assert!(nps.low.unwrap() < 40.0 && 40.0 < nps.high.unwrap());
    assert_eq!(why.texts.len(), 10);

    let csv = hub.look("/v1/surveys/results?format=csv").send().await.unwrap();
    assert!(csv.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    let csv = csv.text().await.unwrap();
    assert!(csv.contains("recommend,recommend,nps,promoters,6,,,10\r\n"), "{csv}");
    assert!(csv.contains("\"Fine, \"\"really\"\".\""), "{csv}");
    assert!(csv.contains(",'=cmd|"), "a spreadsheet would have run it: {csv}");
    for wrong in ["quarter=now", "format=xml", "persona=backend"] {
        problem(hub.look(&format!("/v1/surveys/results?{wrong}")).send().await.unwrap(), 400).await;
    }
    let other: SurveyResults =
        read(hub.look("/v1/surveys/results?quarter=2020-Q1").send().await.unwrap()).await;
    assert!(other.surveys.is_empty());
}

#[tokio::test]
async fn what_is_no_answer_is_refused_and_the_rest_is_kept() {
    let hub = Hub::start();
    let device = hub.enrol().await;
    let mut batch = submission(&device, 1, 9, "Good.");
    batch[1]["data"]["score"] = json!(11);
    batch[2]["data"]["comment"] = "x".repeat(2_001).into();
    let verdicts = device.send(&hub, &batch).await;
    assert_eq!(accepted(&verdicts), 2, "{verdicts:?}");
    // What people write is longer than anything else may be.
    let long = event(
        &device,
        5,
        "feedback.given",
        json!({ "submission": Uuid::now_v7(), "comment": "ü".repeat(2_000) }),
    );
    assert_eq!(accepted(&device.send(&hub, &[long]).await), 1);
}
