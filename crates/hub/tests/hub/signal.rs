//! The counts by which a release is halted.

use firstlight_releases::publish::{Counts, Judgement, Signal};
use semver::Version;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{Device, Hub, problem, read};

/// A run of a release, as the outbox tells of it.
fn run(device: &Device, sequence: u64, version: &str, end: &str) -> [Value; 2] {
    let run = Uuid::now_v7();
    let mut began = device.event(sequence);
    began["type"] = "dev.firstlight.run.started".into();
    began["data"] = json!({ "run": run, "pack": "acme", "pack_version": version });
    let mut ended = device.event(sequence + 1);
    ended["type"] = "dev.firstlight.run.finished".into();
    ended["data"] = json!({ "run": run, "end": end, "duration_ms": 1200 });
    [began, ended]
}

#[tokio::test]
async fn a8_the_counts_of_a_release_are_those_its_halt_is_judged_by() {
    let hub = Hub::start();
    let device = hub.enrol().await;
    let mut events = Vec::new();
    for n in 0..60_u64 {
        let (version, end) = match n {
            // Of 30 runs of the new release 20 fail, of 30 of the old one 1.
            0..20 => ("2.0.0", "failed"),
            20..29 => ("2.0.0", "completed"),
            29 => ("2.0.0", "cancelled"),
            30 => ("1.0.0", "failed"),
            _ => ("1.0.0", "completed"),
        };
        events.extend(run(&device, 2 * n + 1, version, end));
    }
    // Ends arrive before beginnings, and twice.
    events.reverse();
    device.send(&hub, &events).await;
    device.send(&hub, &events[..40]).await;
    let ask = |query: &str| hub.get(&format!("/v1/releases/signal?{query}")).send();
    let signal: Signal = read(ask("pack=acme&release=2.0.0&before=1.0.0").await.unwrap()).await;
    let counts = |version: &str, started, failed| Counts {
        version: version.parse::<Version>().unwrap(),
        started,
        failed,
    };
    assert_eq!(signal.release, counts("2.0.0", 30, 20));
    assert_eq!(signal.before, counts("1.0.0", 30, 1));
    assert!(matches!(signal.judge(), Judgement::Worse { .. }), "{:?}", signal.judge());
    // Of what nobody has run nothing is said.
    let unknown: Signal = read(ask("pack=other&release=2.0.0&before=1.0.0").await.unwrap()).await;
    assert_eq!((unknown.release.started, unknown.before.started), (0, 0));
    for wrong in
        ["pack=acme", "pack=acme&release=two&before=1.0.0", "pack=acme&release=2.0.0&before=1.0.0&more=1"]
    {
        problem(ask(wrong).await.unwrap(), 400).await;
    }
}
