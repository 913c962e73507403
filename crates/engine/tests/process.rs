//! Single processes and what they print.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::time::{Duration, Instant};

use firstlight_domain::pack::Probe;
use firstlight_engine::{
    probe::{Reach, ask},
    process::{Process, quick, read_log, run},
    testing::FakeHost,
};

#[tokio::test]
async fn e4_a_line_without_end_is_cut_and_bounded() {
    let host = FakeHost::new();
    let cx = host.context("long");
    let exit = run(&cx, Process::shell("head -c 1000000 /dev/zero | tr '\\0' x")).await.unwrap();
    assert!(exit.ok());
    assert_eq!(exit.stdout.len(), 64 * 1024);
    cx.output.finish();
    let slice = read_log(&host.folder().join("logs/long.log"), 0, 1_000).unwrap();
    assert_eq!(slice.lines.iter().map(String::len).sum::<usize>(), 1_000_000);
    assert!(slice.lines.iter().all(|line| line.len() <= 8 * 1024));
}

#[tokio::test]
async fn e4_a_background_process_that_holds_the_pipe_does_not_hold_us() {
    let host = FakeHost::new();
    let cx = host.context("daemon");
    let begun = Instant::now();
    let exit = run(&cx, Process::shell("echo done; sleep 5 &")).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(exit.tail, ["done"]);
}

#[tokio::test]
async fn e4_standard_input_is_empty_and_progress_becomes_lines() {
    let host = FakeHost::new();
    let cx = host.context("input");
    let exit = run(&cx, Process::shell("cat; printf '10%%\\r50%%\\r100%%\\r\\nend\\n\\n.'")).await.unwrap();
    assert_eq!(exit.tail, ["10%", "50%", "100%", "end", "", "."]);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let host = FakeHost::new();
    let cx = host.context("missing");
    let failure = run(&cx, Process::new("no-such-program-here")).await.unwrap_err();
    assert!(failure.cause.contains("`no-such-program-here` was not found"), "{failure:?}");
    assert!(failure.hint.is_some());
    let failure = quick(&cx, Process::new("true").cwd("/no/such/folder")).await.unwrap_err();
    assert!(failure.cause.contains("/no/such/folder"), "{failure:?}");
    assert!(run(&cx, Process::of(&[])).await.is_err());
}

#[tokio::test]
async fn a_quick_look_gives_output_and_masks_what_it_said_when_it_failed() {
    let host = FakeHost::new();
    host.put_secret(&firstlight_domain::id::CredentialName::new("token").unwrap(), "hunter2-long");
    let cx = host.context("look");
    assert_eq!(quick(&cx, Process::new("echo").arg("x y")).await.unwrap().text(), "x y");
    let exit = quick(&cx, Process::shell("echo hunter2-long >&2; exit 4")).await.unwrap();
    assert_eq!((exit.code, exit.tail), (4, vec!["***".to_owned()]));
    let exit = quick(&cx, Process::shell("kill -9 $$")).await.unwrap();
    assert_eq!(exit.code, 137);
}

/// Its pipes are not watched at first: what they hold is there all the same, however long it took and however much it was.
#[tokio::test]
async fn e4_a_quick_look_reads_all_of_a_check_that_is_not_quick() {
    let host = FakeHost::new();
    let cx = host.context("slow");
    let exit = quick(&cx, Process::shell("printf a; sleep 0.1; printf b")).await.unwrap();
    assert_eq!(exit.text(), "ab");
    // More than a pipe holds: it ends only if it is read meanwhile.
    let begun = Instant::now();
    let exit = quick(&cx, Process::shell("head -c 1000000 /dev/zero | tr '\\0' x; echo why >&2; exit 3"))
        .await
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!((exit.code, exit.stdout.len()), (3, 64 * 1024));
    assert_eq!(exit.tail.last().map(String::as_str), Some("why"));
    // What stays in the background holds the pipes, or even writes into them for ever.
    for script in ["echo done; sleep 5 &", "echo done; yes &"] {
        let begun = Instant::now();
        let exit = quick(&cx, Process::shell(script)).await.unwrap();
        assert!(exit.text().contains("done"), "{script}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{script}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn e8_a_probe_reaches_inside_only_where_the_policy_says() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4_096]).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
        }
    });
    let host = FakeHost::new();
    let mut cx = host.context("probe");
    let http = |name: &str| Probe {
        http: Some(format!("http://{name}:{port}/")),
        status: None,
        tcp: None,
        command: None,
    };
    let tcp = Probe { http: None, status: None, tcp: Some(format!("127.0.0.1:{port}")), command: None };
    assert_eq!(ask(&cx, &http("127.0.0.1"), Reach::Own).await, Ok(true));
    assert_eq!(ask(&cx, &Probe { status: Some(200), ..http("127.0.0.1") }, Reach::Own).await, Ok(false));
    for probe in [http("127.0.0.1"), http("localhost"), http("[::1]"), tcp.clone()] {
        let refused = ask(&cx, &probe, Reach::Public).await.unwrap_err();
        assert!(refused.cause.contains("policy does not list it"), "{refused:?}");
    }
    cx.listed_hosts = ["127.0.0.1".to_owned(), "localhost".to_owned()].into();
    for probe in [http("127.0.0.1"), http("localhost"), tcp] {
        assert_eq!(ask(&cx, &probe, Reach::Public).await, Ok(true), "{probe:?}");
    }
}
