//! Serve, enrol, send, be killed, serve again.

use firstlight_contract::hub::{Refusal, Verdict};
use serde_json::json;

use crate::common::Hub;

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let mut hub = Hub::start();
    let device = hub.enrol().await;
    let mut events = device.events([1, 2, 3, 5]);
    events[1]["data"] = json!({ "hostname": "ada-laptop" });
    let verdicts = device.send(&hub, &events).await;
    assert!(
        matches!(verdicts[1], Verdict::Refused { reason: Refusal::UnregisteredProperty, .. }),
        "{verdicts:?}"
    );
    assert_eq!([&verdicts[0], &verdicts[2], &verdicts[3]], [&Verdict::Accepted; 3]);
    let before = device.standing(&hub).await;
    assert_eq!((before.high_water, before.gaps.as_slice(), before.missing), (5, &[(4, 4)][..], 1));
    assert_eq!((before.accepted, before.refused, before.received_share), (3, 1, Some(0.6)));
    hub.kill();
    hub.serve();
    assert_eq!(device.standing(&hub).await, before);
    let again = device.send(&hub, &events).await;
    assert_eq!(again[1], verdicts[1], "why it is refused is said each time");
    assert_eq!([&again[0], &again[2], &again[3]], [&Verdict::Duplicate; 3]);
    assert_eq!(device.standing(&hub).await, before);
    assert_eq!(device.send(&hub, &device.events([4])).await, [Verdict::Accepted]);
    assert_eq!(hub.counted().await, 4);
}
