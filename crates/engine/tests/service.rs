//! Services, which outlive the run that starts them.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::time::Duration;

use common::*;
use firstlight_domain::{plan::Outcome, state::StepState};
use firstlight_engine::{Engine, host::Host, testing::FakeHost};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const SERVER: &str = "import http.server,sys;print('listening',flush=True);http.server.HTTPServer(('127.0.0.1',int(sys.argv[1])),http.server.SimpleHTTPRequestHandler).serve_forever()";

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn with(port: u16) -> Value {
    json!({
        "run": ["python3", "-c", SERVER, port.to_string()],
        "ready": { "http": format!("http://127.0.0.1:{port}/") },
        "ready-timeout": "15s",
    })
}

async fn undo(pack: &firstlight_domain::pack::Pack, host: &std::sync::Arc<FakeHost>) {
    let step = &pack.steps["serve"];
    let receipts = host.receipts(&step.id);
    let scope = scope(host, &[]);
    let host = std::sync::Arc::clone(host) as std::sync::Arc<dyn Host>;
    Engine::new().undo(pack, step, &scope, &receipts, host, false, &CancellationToken::new()).await.unwrap();
}

#[tokio::test]
async fn a_service_is_started_once_kept_and_stopped_by_undo() {
    let host = FakeHost::new();
    let port = free_port();
    let pack = pack(vec![step("serve", &[], "service", with(port))]);
    assert!(matches!(outcome(&plan(&pack, &host).await, "serve"), Outcome::WillChange(_)));
    let summary = run(&pack, &host).await;
    assert_eq!(summary.changed, ids(&["serve"]), "{:?}", state(&host, "serve"));
    let Some(StepState::Changed { outputs }) = state(&host, "serve") else { panic!("not changed") };
    assert_eq!(outputs["url"], format!("http://127.0.0.1:{port}"));
    assert_eq!(processes_with(&port.to_string()).len(), 1);
    assert_eq!(outcome(&plan(&pack, &host).await, "serve"), Outcome::Ok);
    assert_eq!(run(&pack, &host).await.satisfied, ids(&["serve"]));
    assert_eq!(processes_with(&port.to_string()).len(), 1, "a second one was started");
    assert!(std::fs::read_to_string(host.folder().join("services/serve.log")).unwrap().contains("listening"));
    undo(&pack, &host).await;
    assert_eq!(processes_with(&port.to_string()), Vec::<String>::new());
    undo(&pack, &host).await;
}

#[tokio::test]
async fn what_answers_but_is_not_ours_is_said_and_never_killed() {
    let host = FakeHost::new();
    let port = free_port();
    let mut other = std::process::Command::new("python3")
        .args(["-c", SERVER, &port.to_string()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // As if an earlier service of ours had had the id that another process has now.
    let note = json!({ "pid": other.id(), "born": "another time", "left": false, "what": "x" });
    std::fs::create_dir_all(host.services_folder()).unwrap();
    std::fs::write(host.services_folder().join("serve.json"), note.to_string()).unwrap();
    let pack = pack(vec![step("serve", &[], "service", with(port))]);
    let planned = outcome(&plan(&pack, &host).await, "serve");
    assert!(
        matches!(&planned, Outcome::Blocked(why) if why.contains("something else answers at")),
        "{planned:?}"
    );
    assert_eq!(run(&pack, &host).await.blocked, ids(&["serve"]));
    undo(&pack, &host).await;
    assert!(other.try_wait().unwrap().is_none(), "a process that is not ours was killed");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[tokio::test]
async fn a_service_that_ends_or_is_never_ready_leaves_nothing() {
    let host = FakeHost::new();
    let port = free_port();
    let mut ends = with(port);
    ends["run"] = json!(["sh", "-c", "echo no config >&2; exit 7"]);
    let mut silent = with(port);
    silent["run"] = json!(["sleep", "77.123"]);
    silent["ready-timeout"] = json!("1s");
    let pack = pack(vec![step("ends", &[], "service", ends), step("silent", &[], "service", silent)]);
    let summary = run(&pack, &host).await;
    assert_eq!(summary.failed.len(), 2);
    let Some(StepState::Failed(failure)) = state(&host, "ends") else { panic!("not failed") };
    assert!(failure.cause.contains("ended with code 7"), "{failure:?}");
    assert_eq!(failure.last_lines, ["no config"]);
    let Some(StepState::Failed(failure)) = state(&host, "silent") else { panic!("not failed") };
    assert!(failure.cause.contains("was not ready within 1 seconds"), "{failure:?}");
    assert_eq!(processes_with("77.123"), Vec::<String>::new());
    let notes = std::fs::read_dir(host.services_folder())
        .unwrap()
        .filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|ext| ext == "json"));
    assert_eq!(notes.count(), 0);
}

#[tokio::test]
async fn e3_cancel_ends_a_service_that_is_still_starting() {
    let host = FakeHost::new();
    let cancel = CancellationToken::new();
    let mut never = with(free_port());
    never["run"] = json!(["sleep", "78.234"]);
    let stop = cancel.clone();
    tokio::spawn(async move {
        while processes_with("78.234").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
    });
    let pack = pack(vec![step("serve", &[], "service", never)]);
    let summary = run_with(&pack, &host, Options { cancel, ..Options::default() }).await;
    assert!(summary.cancelled);
    assert_eq!(processes_with("78.234"), Vec::<String>::new());
    assert_eq!(state(&host, "serve"), Some(StepState::Ready));
}

#[tokio::test]
async fn c5_what_a_service_with_a_secret_prints_is_nowhere_unmasked() {
    let host = FakeHost::new();
    let port = free_port();
    let token = firstlight_domain::id::CredentialName::new("token").unwrap();
    host.put_secret(&token, "hunter2-long");
    let mut leaks = with(port);
    let script = format!("import os\nprint('with', os.environ['TOKEN'], flush=True)\n{SERVER}");
    leaks["run"] = json!(["python3", "-c", script, port.to_string()]);
    let mut serve = step("serve", &[], "service", leaks);
    serve.secrets.env.insert("TOKEN".into(), token.clone());
    let mut pack = pack(vec![serve]);
    pack.policy.secrets = vec![token];
    assert_eq!(run(&pack, &host).await.changed, ids(&["serve"]), "{:?}", state(&host, "serve"));
    undo(&pack, &host).await;
    let mut said = false;
    for path in snapshot(&host.folder()).into_keys().filter(|path| path.is_file()) {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("hunter2-long"), "{}", path.display());
        said |= text.contains("with ***");
    }
    assert!(said, "what it said while starting is kept, masked");
}
