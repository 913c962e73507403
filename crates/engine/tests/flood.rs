//! Endless output. A program of its own: what other tests hold must not count.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use firstlight_engine::{
    process::{Process, read_log, run},
    testing::FakeHost,
};

/// Memory of this process that is really there, in KB.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn e4_memory_and_disk_stay_flat_under_yes() {
    let host = FakeHost::forgetful();
    let cx = host.context("flood");
    let flood =
        |lines: u32| Process::shell(format!("yes 'a line of thirty-odd characters' | head -n {lines}"));
    // What is allocated once (buffers, the log's) is there after this.
    assert!(run(&cx, flood(20_000)).await.unwrap().ok());
    let before = resident();
    assert!(run(&cx, flood(1_480_000)).await.unwrap().ok());
    let grown = resident().saturating_sub(before);
    assert!(grown < 8_000, "grew by {grown} KB over 50 MB of output");
    cx.output.finish();
    let slice = read_log(&host.folder().join("logs/flood.log"), 1_499_999, 10).unwrap();
    assert_eq!((slice.total, slice.lines.len()), (1_500_000, 1));
    let files = std::fs::read_dir(host.folder().join("logs")).unwrap();
    let kept: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(kept < 14_001 * 37, "{kept} bytes kept");
}
