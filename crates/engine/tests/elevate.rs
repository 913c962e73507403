//! Administrator rights through `pkexec`: how often the person is asked, and what a no means. The machine is one with a
//! PATH of its own; where these tests run as root, whoever asks is another account, as it is with people.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::{
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
    process::Command,
};

use common::{Options, ids, pack, run, run_with, script, state, step};
use firstlight_domain::{
    pack::{Elevation, Pack, Step},
    state::{Failure, StepState},
};
use firstlight_engine::testing::FakeHost;
use serde_json::json;
use tempfile::TempDir;

/// An account that may do nothing, and a group that is none of an administrator's.
const NOBODY: u32 = 65534;
/// What `pkexec` prints where it did not start the command, as version 122 was seen to.
const NOT_AUTHORIZED: &str = "echo 'Error executing command as another user: Not authorized' >&2; echo >&2; echo 'This incident has been reported.' >&2; exit 127";
const DISMISSED: &str = "echo 'Error executing command as another user: Request dismissed' >&2; exit 126";
const NO_BUS: &str =
    "echo 'Error getting authority: Error initializing authority: Could not connect' >&2; exit 127";
/// Says yes, after a while. Two at once are told by the folder that cannot be made twice.
const YES: &str = "mkdir \"$FIRSTLIGHT_TEST_FOLDER/asking\" || exit 99; sleep 0.1; \"$@\"; code=$?; rmdir \"$FIRSTLIGHT_TEST_FOLDER/asking\"; exit $code";

/// A machine without `sudo`, and with this `pkexec`, which counts how often it asks. Without one if not said.
fn machine(pkexec: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::create_dir_all(folder.path().join("tmp")).unwrap();
    for program in ["sh", "env", "id", "mkdir", "rmdir", "sleep", "touch", "test", "true"] {
        symlink(which::which(program).unwrap(), bin.join(program)).unwrap();
    }
    if let Some(does) = pkexec {
        let file = bin.join("pkexec");
        let counts = "echo asked >> \"$FIRSTLIGHT_TEST_FOLDER/prompts\"";
        std::fs::write(&file, format!("#!/bin/sh\n{counts}\n{does}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn prompts(folder: &TempDir) -> usize {
    std::fs::read_to_string(folder.path().join("prompts")).map_or(0, |asked| asked.lines().count())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

/// Runs one of the ignored tests below on that machine. As root: as an account of its own, in these groups.
fn there(folder: &TempDir, test: &str, groups: &str) {
    let this = std::env::current_exe().unwrap();
    let mut command = if is_root() {
        // The account may not look into the folder this test was built in.
        let copy = folder.path().join("test");
        std::fs::hard_link(&this, &copy).or_else(|_| std::fs::copy(&this, &copy).map(drop)).unwrap();
        for path in [folder.path(), &folder.path().join("tmp")] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        // Found here: it is not on the PATH of that machine.
        let mut command = Command::new(which::which("setpriv").unwrap());
        command.args(["--reuid=65534", "--regid=65534", &format!("--groups={groups}"), "--"]).arg(copy);
        command
    } else {
        Command::new(this)
    };
    let said = command
        .args(["--ignored", "--exact", test])
        .env("PATH", folder.path().join("bin"))
        .env("TMPDIR", folder.path().join("tmp"))
        .env("HOME", folder.path().join("tmp"))
        .env("DISPLAY", ":0")
        .env("FIRSTLIGHT_TEST_FOLDER", folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

fn elevated(mut step: Step) -> Step {
    step.elevation = Elevation::Elevated;
    step
}

fn allowed(steps: Vec<Step>) -> Pack {
    let mut pack = pack(steps);
    pack.policy.elevation = true;
    pack
}

/// Three that need nothing of each other, so that they would ask at once.
fn three() -> Pack {
    allowed(["a", "b", "c"].map(|name| elevated(script(name, &[], "echo done; true"))).to_vec())
}

fn failure(host: &FakeHost, step: &str) -> Failure {
    match state(host, step) {
        Some(StepState::Failed(failure)) => failure,
        other => panic!("{step}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by `e5_one_prompt_at_a_time`"]
async fn helper_three() {
    let host = FakeHost::new();
    let mut summary = run(&three(), &host).await;
    summary.changed.sort();
    assert_eq!(summary.failed, [], "{:?}", state(&host, "a"));
    assert_eq!(summary.changed, ids(&["a", "b", "c"]));
}

#[test]
fn e5_one_prompt_at_a_time() {
    let machine = machine(Some(YES));
    there(&machine, "helper_three", "65534");
    assert_eq!(prompts(&machine), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by `e5_a_no_is_not_asked_again`"]
async fn helper_refused() {
    let host = FakeHost::new();
    let mut pack = three();
    for step in pack.steps.values_mut() {
        step.retries = 2;
    }
    let mut summary = run(&pack, &host).await;
    summary.failed.sort();
    assert_eq!(summary.failed, ids(&["a", "b", "c"]));
    for step in ["a", "b", "c"] {
        assert_eq!(failure(&host, step).cause, "administrator rights were not given");
    }
}

#[test]
fn e5_a_no_is_not_asked_again() {
    for no in [DISMISSED, NOT_AUTHORIZED] {
        let machine = machine(Some(no));
        there(&machine, "helper_refused", "65534");
        assert_eq!(prompts(&machine), 1, "three steps of one run, each with two retries: {no}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by `e5_a_new_run_asks_again`"]
async fn helper_two_runs() {
    let host = FakeHost::new();
    for _ in 0..2 {
        assert_eq!(run(&allowed(vec![elevated(script("a", &[], "true"))]), &host).await.failed, ids(&["a"]));
    }
}

#[test]
fn e5_a_new_run_asks_again() {
    let machine = machine(Some(DISMISSED));
    there(&machine, "helper_two_runs", "65534");
    assert_eq!(prompts(&machine), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by `e5_a_command_that_is_not_there_is_no_refusal`"]
async fn helper_not_there() {
    let host = FakeHost::new();
    let codes = [("a", "exit 127"), ("b", "no-such-program-here"), ("c", "exit 126"), ("d", "true")];
    let steps = codes.map(|(name, does)| elevated(script(name, &[], does))).to_vec();
    let options = Options { keep_going: true, parallel: Some(1), ..Options::default() };
    let summary = run_with(&allowed(steps), &host, options).await;
    assert_eq!(summary.changed, ids(&["d"]), "nobody said no, so the last is asked for and done");
    for name in ["a", "b", "c"] {
        let cause = failure(&host, name).cause;
        assert!(cause.contains("ended with code 12"), "{cause}");
    }
    let gone = step("gone", &[], "command", json!({ "run": ["no-such-program-here"] }));
    run(&allowed(vec![elevated(gone)]), &host).await;
    let said = failure(&host, "gone");
    assert!(!said.cause.contains("were not given"), "{said:?}");
}

#[test]
fn e5_a_command_that_is_not_there_is_no_refusal() {
    let machine = machine(Some(YES));
    there(&machine, "helper_not_there", "65534");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by `e5_where_pkexec_could_ask_nobody_it_is_said`"]
async fn helper_no_bus() {
    let host = FakeHost::new();
    run(&allowed(vec![elevated(script("a", &[], "true"))]), &host).await;
    let failure = failure(&host, "a");
    assert!(failure.cause.contains("there is no way to ask for them here"), "{failure:?}");
    assert!(failure.last_lines.iter().any(|line| line.contains("Could not connect")), "{failure:?}");
}

#[test]
fn e5_where_pkexec_could_ask_nobody_it_is_said() {
    there(&machine(Some(NO_BUS)), "helper_no_bus", "65534");
}

/// Who gives the rights, as the real programs of the machine say it of the account this runs as.
#[tokio::test]
#[ignore = "run by `e5_a_real_account_in_each_model`"]
async fn helper_who() {
    let host = FakeHost::new();
    let mut facts = host.facts();
    facts.elevated = false;
    let who = firstlight_engine::facts::admin(&facts, false).await;
    let folder = std::env::var("FIRSTLIGHT_TEST_FOLDER").unwrap();
    std::fs::write(Path::new(&folder).join("who"), format!("{who:?}")).unwrap();
}

#[test]
fn e5_a_real_account_in_each_model() {
    let who = |pkexec: Option<&str>, groups: &str| {
        let machine = machine(pkexec);
        there(&machine, "helper_who", groups);
        std::fs::read_to_string(machine.path().join("who")).unwrap()
    };
    assert_eq!(who(None, "65534"), "Nobody");
    if !is_root() {
        eprintln!("not tried, as it takes root: an account outside and inside of the administrators' group");
        let asked = who(Some(YES), "");
        assert!(asked.contains("\"pkexec\""), "{asked}");
        return;
    }
    assert_eq!(who(Some(YES), "65534"), "SomebodyElse(\"pkexec\")");
    let groups = std::fs::read_to_string("/etc/group").unwrap();
    let administrators = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        fields.next().filter(|name| ["sudo", "wheel"].contains(name))?;
        fields.nth(1)
    });
    match administrators {
        Some(group) => assert_eq!(who(Some(YES), group), "Yourself(\"pkexec\")"),
        None => eprintln!("not tried: this machine has no group `sudo` or `wheel`"),
    }
}
