//! G7: killed under load, started again: every acknowledged event is counted exactly once.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use firstlight_contract::hub::{BatchAnswer, Verdict};
use tokio::task::JoinSet;

use crate::common::{Hub, read};

#[tokio::test]
async fn g7_a_kill_under_load_loses_nothing_that_was_acknowledged() {
    kill_under_load(Hub::start()).await;
}

#[cfg(unix)]
#[tokio::test]
async fn g7_a_kill_under_load_on_postgres_loses_nothing_that_was_acknowledged() {
    let Some(server) = crate::postgres::Server::own() else { return };
    kill_under_load(Hub::start_on(&server.fresh())).await;
}

async fn kill_under_load(mut hub: Hub) {
    let mut devices = Vec::new();
    for _ in 0..4 {
        devices.push((hub.enrol().await, 0_u64));
    }
    for round in 0..5 {
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut senders = JoinSet::new();
        for (device, last) in devices.clone() {
            let (client, url, acknowledged) =
                (hub.client.clone(), hub.url.clone(), Arc::clone(&acknowledged));
            senders.spawn(async move {
                let mut last = last;
                loop {
                    let events = device.events(last + 1..=last + 7);
                    let request = client
                        .post(format!("{url}/v1/events"))
                        .bearer_auth(&device.token)
                        .header("content-type", firstlight_contract::hub::BATCH)
                        .body(serde_json::to_string(&events).unwrap());
                    let Ok(answer) = request.send().await else { return (device, last) };
                    let Ok(text) = answer.text().await else { return (device, last) };
                    let answer: BatchAnswer = serde_json::from_str(&text).unwrap();
                    // The last round may have been written without being acknowledged.
                    assert!(
                        answer.verdicts.iter().all(|one| !matches!(one.verdict, Verdict::Refused { .. }))
                    );
                    last += 7;
                    acknowledged.fetch_add(7, Ordering::SeqCst);
                }
            });
        }
        // In the middle of it, wherever that is.
        while acknowledged.load(Ordering::SeqCst) < 100 + round * 37 {
            tokio::task::yield_now().await;
        }
        hub.kill();
        devices = senders.join_all().await;
        hub.serve();
        for (device, last) in &devices {
            let standing = device.standing(&hub).await;
            assert!(standing.high_water == *last || standing.high_water == last + 7, "{last} {standing:?}");
            assert_eq!((standing.missing, standing.accepted), (0, standing.high_water));
        }
    }
    let mut all = 0;
    for (device, last) in &devices {
        // Whoever lost an acknowledgement sends again and learns that it was there, or not.
        let answer = device.post(&hub, &device.events(1..=*last)).send().await.unwrap();
        let answer: BatchAnswer = read(answer).await;
        assert!(answer.verdicts.iter().all(|one| one.verdict == Verdict::Duplicate));
        all += device.standing(&hub).await.high_water;
    }
    assert_eq!(hub.counted().await, all);
}
