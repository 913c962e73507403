//! What looking at a converged checklist costs beyond the processes themselves. `cargo xtask bench` measures it; this
//! prints it beside a test build.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::time::Instant;

use common::*;
use firstlight_engine::testing::FakeHost;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn three_hundred_checks_beside_spawning_them() {
    let host = FakeHost::new();
    let with = json!({ "check": ["true"], "run": ["false"] });
    let steps = (0..300).map(|n| step(&format!("s{n}"), &[], "command", with.clone())).collect();
    let pack = pack(steps);
    let threads = std::thread::available_parallelism().unwrap().get().saturating_mul(2).max(4);
    for _ in 0..5 {
        let begun = Instant::now();
        let next = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 300 {
                        let ended =
                            std::process::Command::new("true").stdin(std::process::Stdio::null()).output();
                        assert!(ended.unwrap().status.success());
                    }
                });
            }
        });
        let raw = begun.elapsed();
        let begun = Instant::now();
        assert_eq!(plan(&pack, &host).await.counts(), (0, 300, 0, 0));
        let planned = begun.elapsed();
        let begun = Instant::now();
        assert_eq!(run(&pack, &host).await.satisfied.len(), 300);
        eprintln!("raw {raw:?}, plan {planned:?}, run {:?}", begun.elapsed());
    }
}
