use std::fs;

use firstlight_domain::state::Failure;
use firstlight_engine::provider::Check;
use serde_json::{Value, json};

use crate::{Machine, blocked, satisfied, tree::put};

/// A report of findings: rule and score.
fn sarif(results: &[(&str, &str)]) -> Value {
    let rules: Vec<Value> = results
        .iter()
        .map(|(id, score)| json!({ "id": id, "helpUri": "https://looker.test", "properties": { "security-severity": score } }))
        .collect();
    let result =
        |(id, _): &(&str, &str)| json!({ "ruleId": id, "message": { "text": format!("{id} lies open") } });
    let results: Vec<Value> = results.iter().map(result).collect();
    json!({
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": { "name": "looker", "rules": rules } }, "results": results }],
    })
}

/// A machine with a project and a scanner, which prints what lies in `~/says` and ends with the code in `~/code`.
fn machine() -> Machine {
    let machine = Machine::new();
    fs::create_dir_all(machine.home().join("src/orders")).unwrap();
    let home = machine.facts.home.clone();
    let script = format!(
        "#!/bin/sh\necho once >> '{home}/scans'\necho \"looking in $PWD\" >&2\nif [ -n \"$2\" ]; then cat '{home}/says' > \"$2\"; else cat '{home}/says'; fi\nexit \"$(cat '{home}/code')\"\n"
    );
    put(&machine.home().join("looker"), 0o755, &script);
    machine
}

fn says(machine: &Machine, report: &str, code: i32) {
    fs::write(machine.home().join("says"), report).unwrap();
    fs::write(machine.home().join("code"), code.to_string()).unwrap();
}

fn with(machine: &Machine, more: &[(&str, Value)]) -> Value {
    let scanner = machine.home().join("looker").display().to_string();
    let mut with = json!({ "run": [scanner], "cwd": "~/src/orders", "format": "sarif" });
    for (name, value) in more {
        with[name] = value.clone();
    }
    with
}

fn scans(machine: &Machine) -> usize {
    fs::read_to_string(machine.home().join("scans")).map_or(0, |text| text.lines().count())
}

async fn failure(machine: &Machine, with: Value) -> Failure {
    let operation = machine.operation("scan", with);
    match operation.check(&machine.context()).await {
        Ok(Check::Needed { .. }) => operation.apply(&machine.context()).await.unwrap_err(),
        Ok(other) => panic!("{other:?}"),
        Err(failure) => failure,
    }
}

#[tokio::test]
async fn what_is_below_the_threshold_is_let_pass_and_counted() {
    let machine = machine();
    // Scanners end with 1 when they have found something.
    says(&machine, &sarif(&[("a", "5.0"), ("b", "2.0")]).to_string(), 1);
    let operation = machine.operation("scan", with(&machine, &[("fail-at", json!("high"))]));
    let outputs = satisfied(&*operation, &machine.context()).await;
    assert_eq!((outputs["findings"].as_str(), outputs["worst"].as_str()), ("2", "moderate"));
    says(&machine, &sarif(&[]).to_string(), 0);
    let outputs = satisfied(&*operation, &machine.context()).await;
    assert_eq!((outputs["findings"].as_str(), outputs["worst"].as_str()), ("0", "none"));
    assert!(!operation.can_undo());
}

#[tokio::test]
async fn what_is_at_the_threshold_fails_with_what_was_found() {
    let machine = machine();
    says(&machine, &sarif(&[("old", "9.8"), ("open", "7.0"), ("small", "1.0")]).to_string(), 1);
    let operation = machine.operation("scan", with(&machine, &[("fail-at", json!("high"))]));
    let check = operation.check(&machine.context()).await.unwrap();
    assert!(matches!(&check, Check::Needed { what, .. } if what.contains("found 2 things")), "{check:?}");
    let failure = operation.apply(&machine.context()).await.unwrap_err();
    assert_eq!(scans(&machine), 1, "saying what was found needs no second look");
    assert!(failure.cause.ends_with("the worst of them of critical severity"), "{}", failure.cause);
    assert_eq!(failure.last_lines, ["critical: old lies open (old)", "high: open lies open (open)"]);
    assert_eq!(failure.hint.as_deref(), Some("read https://looker.test, then try the step again"));
    // A further attempt looks again, and finds it mended.
    says(&machine, &sarif(&[]).to_string(), 0);
    operation.apply(&machine.context()).await.unwrap();
    assert_eq!(scans(&machine), 2);
}

#[tokio::test]
async fn the_report_may_be_a_file_which_is_gone_afterwards() {
    let machine = machine();
    says(&machine, &sarif(&[("a", "5.0")]).to_string(), 0);
    let scanner = machine.home().join("looker").display().to_string();
    let run = json!([scanner, "--to", "{report}"]);
    let before = machine.snapshot().len();
    let with = with(&machine, &[("run", run), ("fail-at", json!("never"))]);
    let outputs = satisfied(&*machine.operation("scan", with), &machine.context()).await;
    assert_eq!(outputs["findings"], "1");
    assert_eq!(machine.snapshot().len(), before + 1, "the note of our own scanner, and nothing else");
}

#[tokio::test]
async fn a_large_report_is_read_whole() {
    let machine = machine();
    let many: Vec<String> = (0..5_000).map(|number| format!("rule-{number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1.0")).collect();
    let report = sarif(&many).to_string();
    assert!(report.len() > 500_000, "more than is kept of what others print");
    says(&machine, &report, 1);
    let with = with(&machine, &[("fail-at", json!("moderate"))]);
    let outputs = satisfied(&*machine.operation("scan", with), &machine.context()).await;
    assert_eq!(outputs["findings"], "5000");
}

#[tokio::test]
async fn osv_scanner_is_understood_too() {
    let machine = machine();
    let report = json!({ "results": [{
        "source": { "path": "Cargo.lock", "type": "lockfile" },
        "packages": [{
            "package": { "name": "time", "version": "0.1.43", "ecosystem": "crates.io" },
            "vulnerabilities": [{
                "id": "RUSTSEC-1", "modified": "2026-01-01T00:00:00Z", "summary": "It reads too much",
                "affected": [{
                    "package": { "ecosystem": "crates.io", "name": "time" },
                    "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "0.2.23" }] }],
                }],
            }],
            "groups": [{ "ids": ["RUSTSEC-1"], "max_severity": "6.2" }],
        }],
    }] });
    says(&machine, &report.to_string(), 1);
    let failure = failure(&machine, with(&machine, &[("format", json!("osv"))])).await;
    assert!(
        failure.cause.ends_with(
            "found what is not let pass: moderate: time 0.1.43: It reads too much (RUSTSEC-1) at Cargo.lock"
        ),
        "{}",
        failure.cause
    );
    assert_eq!(
        failure.hint.as_deref(),
        Some("bring time to 0.2.23 or a later version, then try the step again")
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_never_nothing_found() {
    let machine = machine();
    let whole = sarif(&[("a", "5.0")]).to_string();
    for (report, code, cause) in [
        ("", 0, "the report is empty"),
        ("", 2, "cannot be used (it ended with code 2): the report is empty"),
        (&whole[..60], 0, "the report is no SARIF 2.1.0: "),
        ("{\"results\": []}", 0, "it has no `version`"),
        (&sarif(&[]).to_string(), 3, "ended with code 3 and reports nothing"),
    ] {
        says(&machine, report, code);
        let failure = failure(&machine, with(&machine, &[])).await;
        assert!(failure.cause.contains(cause), "{}", failure.cause);
        assert!(failure.hint.is_some());
        if code != 0 {
            assert!(failure.last_lines.iter().any(|line| line.starts_with("looking in ")), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn a_scanner_or_project_that_is_not_there_is_said() {
    let machine = machine();
    let missing = with(&machine, &[("run", json!(["no-such-scanner-of-ours"]))]);
    let why = blocked(&*machine.operation("scan", missing), &machine.context()).await;
    assert!(why.contains("`no-such-scanner-of-ours` was not found"), "{why}");
    let nowhere = with(&machine, &[("cwd", json!("~/src/nowhere"))]);
    let check = machine.operation("scan", nowhere).check(&machine.context()).await.unwrap();
    assert!(
        matches!(&check, Check::Unknown { why } if why.ends_with("src/nowhere does not exist")),
        "{check:?}"
    );
}

#[test]
fn parameters_that_cannot_be_meant_are_refused() {
    let machine = machine();
    for (field, value) in [
        ("run", json!([])),
        ("run", json!(["a", "{report}", "{report}"])),
        ("format", json!("xml")),
        ("fail-at", json!("medium")),
    ] {
        assert!(
            machine.prepare("scan", with(&machine, &[(field, value.clone())])).is_err(),
            "{field} {value}"
        );
    }
}
