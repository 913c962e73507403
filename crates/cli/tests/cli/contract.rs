//! The contract of DESIGN: fields of `--json` and exit codes, exactly.

use firstlight_testkit::PackFolder;
use serde_json::{Value, json};

use crate::machine::Machine;

const STEPS: &str = "
  welcome: { title: Read the welcome, uses: read, with: { text: Hello } }
  folder:
    title: Make the folder
    needs: [welcome]
    check: [test, -d, '${{ inputs.place }}/made']
    run: [mkdir, -p, '${{ inputs.place }}/made']
    undo: [rmdir, '${{ inputs.place }}/made']
  answer:
    title: See it answer
    needs: [folder]
    check: [test, -f, '${{ inputs.place }}/made/answer']
    run: [touch, '${{ inputs.place }}/made/answer']
    undo: [rm, '${{ inputs.place }}/made/answer']
    first-value: true
";

fn pack() -> PackFolder {
    PackFolder::with_steps(&["welcome", "folder", "answer"], STEPS)
}

/// A journey whose first value is reached and where one step of week one failed and one waits for others.
fn pack_with_trouble() -> PackFolder {
    let more = "
  broken: { title: Try what fails, needs: [answer], run: [sh, -c, 'echo oh no; exit 3'] }
  behind: { title: Come after it, needs: [broken], run: ['true'] }
  manager: { title: Meet your manager, uses: request, owner: your manager, sla: 2 days, with: { text: Say hello } }
";
    PackFolder::with_steps(
        &["welcome", "folder", "answer", "broken", "behind", "manager"],
        &format!("{STEPS}{more}"),
    )
}

fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn plan_says_what_would_happen_and_its_exit_code_says_whether() {
    let (machine, pack) = (Machine::new(), pack());
    let plan = machine.on(&pack, "plan", &["--json", "--detailed-exitcode"]).expect(2).json();
    assert_eq!(plan["summary"], json!({ "will_change": 3, "ok": 0, "unknown": 0, "blocked": 0 }));
    let steps: Vec<Value> = plan["steps"].as_array().unwrap().clone();
    let said: Vec<_> = steps
        .iter()
        .map(|step| {
            let text = |name: &str| step[name].as_str().unwrap().to_owned();
            (text("id"), text("title"), text("outcome"))
        })
        .collect();
    let expected = [
        ("welcome", "Read the welcome", "will_change"),
        ("folder", "Make the folder", "will_change"),
        ("answer", "See it answer", "will_change"),
    ]
    .map(|(id, title, outcome)| (id.to_owned(), title.to_owned(), outcome.to_owned()));
    assert_eq!(said, expected);
    assert!(!machine.place().exists(), "plan changed something");
    assert!(!machine.state().exists(), "plan kept something");
    // Without the flag, a plan that could be made is a success.
    machine.on(&pack, "plan", &["--json"]).expect(0);

    machine.on(&pack, "up", &["--yes"]).expect(0);
    let after = machine.on(&pack, "plan", &["--json", "--detailed-exitcode"]).expect(0).json();
    assert_eq!(after["summary"], json!({ "will_change": 0, "ok": 3, "unknown": 0, "blocked": 0 }));
}

#[test]
fn plan_exits_1_when_something_cannot_be_done_or_known() {
    let machine = Machine::new();
    let blocked = PackFolder::with_steps(
        &["clone"],
        "  clone:
    title: Clone it
    uses: git/clone
    with: { url: 'file:///nowhere/x.git', into: '${{ inputs.place }}' }
    first-value: true",
    );
    std::fs::create_dir_all(machine.place()).unwrap();
    std::fs::write(machine.place().join("mine.txt"), "not to be overwritten").unwrap();
    let plan = machine.on(&blocked, "plan", &["--json", "--detailed-exitcode"]).expect(1).json();
    assert_eq!(plan["steps"][0]["outcome"], "blocked");
    assert!(plan["steps"][0]["reason"].as_str().unwrap().contains("nothing is overwritten"), "{plan}");
    assert_eq!(plan["summary"]["blocked"], 1);
    machine.run(&["plan", "--pack", "nowhere", "--detailed-exitcode"]).expect(1);
}

#[test]
fn up_prints_one_object_a_line_and_ends_with_finished() {
    let (machine, pack) = (Machine::new(), pack());
    let ran = machine.on(&pack, "up", &["--yes", "--json"]).expect(0);
    let lines = ran.lines();
    assert!(lines.iter().all(|line| line["type"].is_string()), "{lines:?}");
    assert_eq!(
        lines.last().unwrap(),
        &json!({ "type": "finished", "ok": true, "failed": [], "best_effort": [], "waiting": [], "follow_ups": [], "first_value_reached": true, "cancelled": false })
    );
    assert_eq!(lines.iter().filter(|line| line["type"] == "finished").count(), 1);
    let reached = lines.iter().find(|line| line["type"] == "first_value").unwrap();
    assert_eq!(reached["step"], "answer");
    let states: Vec<&str> = lines
        .iter()
        .filter(|line| line["type"] == "step" && line["step"] == "folder")
        .map(|line| line["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["running", "changed"]);
    assert_eq!(ran.stderr, "");
}

#[test]
fn up_exits_0_only_on_success() {
    let (machine, pack) = (Machine::new(), pack_with_trouble());
    let ran = machine.on(&pack, "up", &["--yes", "--json"]).expect(1);
    let last = ran.lines().pop().unwrap();
    assert_eq!(last["ok"], false);
    assert_eq!(last["failed"], json!(["broken"]));
    assert_eq!(last["first_value_reached"], true);
    let status = machine.run(&["status", "--json"]).expect(0).json();
    let state = |id: &str| {
        let steps = status["steps"].as_array().unwrap();
        steps.iter().find(|step| step["id"] == id).unwrap()["state"].clone()
    };
    assert_eq!(state("broken"), "failed");
    assert_eq!(state("behind"), "blocked");
}

#[test]
fn up_does_not_succeed_while_something_waits_for_the_person() {
    // The credential is on the way to first value, and nobody is there to enter it.
    let pack = PackFolder::with_steps(
        &["token", "use"],
        "  token: { title: Your token, uses: credential, with: { name: acme-token } }
  use: { title: Use it, needs: [token], run: ['true'], first-value: true }
policy:
  capabilities: { secrets: [acme-token] }",
    );
    let machine = Machine::with_keychain();
    let last = machine.on(&pack, "up", &["--yes", "--json"]).expect(1).lines().pop().unwrap();
    assert_eq!(last["ok"], false);
    assert_eq!(last["failed"], json!([]));
    assert_eq!(last["waiting"], json!(["token"]));
    assert_eq!(last["first_value_reached"], false);
}

#[test]
fn up_only_walks_the_step_named_and_what_it_needs() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes", "--only", "folder"]).expect(0);
    assert!(machine.place().join("made").is_dir());
    assert!(!machine.place().join("made/answer").exists());
    let error = machine.on(&pack, "up", &["--yes", "--json", "--only", "nothing"]).error();
    assert_eq!(error["code"], "unknown_step");
}

#[test]
fn up_asks_first_and_without_anybody_there_does_nothing() {
    let (machine, pack) = (Machine::new(), pack());
    let ran = machine.on(&pack, "up", &[]).expect(1);
    assert!(ran.stderr.contains("Nobody is there to agree"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert!(!machine.place().exists());
}

#[test]
fn status_says_each_state_whom_it_waits_for_and_the_critical_path() {
    let (machine, pack) = (Machine::new(), pack_with_trouble());
    machine.on(&pack, "up", &["--yes", "--only", "folder"]).expect(0);
    machine.on(&pack, "up", &["--yes", "--only", "manager"]).expect(1);
    let status = machine.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["critical_path"], json!(["answer"]));
    let steps = status["steps"].as_array().unwrap();
    let found: Vec<_> =
        steps.iter().map(|step| (step["id"].as_str().unwrap(), step["state"].as_str().unwrap())).collect();
    assert_eq!(
        found,
        [
            ("welcome", "satisfied"),
            ("folder", "changed"),
            ("answer", "ready"),
            ("broken", "pending"),
            ("behind", "pending"),
            ("manager", "waiting"),
        ]
    );
    let waits: Vec<_> = steps.iter().filter_map(|step| step["waiting_for"].as_str()).collect();
    assert_eq!(waits, ["your manager"]);
    // RFC 3339, UTC, to the millisecond.
    let since = steps[1]["since"].as_str().unwrap();
    assert!(since.ends_with('Z') && since.len() <= "2026-11-23T15:52:04.882Z".len(), "{since}");
}

#[test]
fn report_has_ttfv_only_once_it_is_reached_and_a_waterfall_that_adds_up() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes", "--only", "folder"]).expect(0);
    let before = machine.run(&["report", "--json"]).expect(0).json();
    assert_eq!(before["ttfv"], Value::Null);

    machine.on(&pack, "up", &["--yes"]).expect(0);
    let report = machine.run(&["report", "--json"]).expect(0).json();
    assert_eq!(fields(&report["ttfv"]), ["seconds", "clock_start", "reached_at"]);
    let parts = report["waterfall"].as_array().unwrap();
    assert!(parts.iter().all(|part| fields(part) == ["kind", "seconds"]), "{report}");
    let sum: u64 = parts.iter().map(|part| part["seconds"].as_u64().unwrap()).sum();
    assert_eq!(Some(sum), report["ttfv"]["seconds"].as_u64());
}

#[test]
fn journal_is_verified_exported_and_signed() {
    let (machine, pack) = (Machine::with_keychain(), pack());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let check = machine.run(&["journal", "verify", "--json"]).expect(0).json();
    assert_eq!(fields(&check)[..3], ["ok", "records", "anchored"]);
    assert_eq!((&check["ok"], &check["anchored"]), (&json!(true), &json!(0)));

    let signed = machine.run(&["journal", "checkpoint", "--json"]).expect(0).json();
    assert_eq!(signed["records"], check["records"]);
    let after = machine.run(&["journal", "verify", "--json"]).expect(0).json();
    assert_eq!(after["anchored"], check["records"]);

    let exported = machine.run(&["journal", "export"]).expect(0);
    let records = exported.lines();
    assert!(records.len() as u64 >= check["records"].as_u64().unwrap());
    let file = machine.root.path().join("journal.jsonl");
    machine.run(&["journal", "export", "--output", file.to_str().unwrap()]).expect(0);
    assert_eq!(std::fs::read_to_string(file).unwrap(), exported.stdout);
}

#[test]
fn events_say_what_left_this_machine_and_what_will() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let events = machine.run(&["events", "--json"]).expect(0).json();
    assert_eq!((&events["sent"], &events["queued"]), (&json!([]), &json!([])), "sharing is paused at first");
    assert!(!events["held_back"].as_array().unwrap().is_empty(), "{events}");
    machine.run(&["hub", "sharing", "on", "--json"]).expect(0);
    let events = machine.run(&["events", "--json"]).expect(0).json();
    assert_eq!((&events["sent"], events["queued"].as_array().unwrap().len()), (&json!([]), 1), "{events}");
}

#[test]
fn doctor_says_what_it_found_and_exits_by_it() {
    let machine = Machine::with_keychain();
    let found = machine.run(&["doctor", "--json"]);
    let report = found.json();
    assert_eq!(report["ok"].as_bool(), Some(found.code == 0));
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().all(|one| one["title"].is_string() && one["found"].is_string()), "{report}");
    let without = Machine::new().run(&["doctor", "--json"]).expect(1).json();
    assert_eq!(without["ok"], false, "no keychain is no machine to start on");
}

#[test]
fn credentials_are_set_tested_listed_and_removed() {
    let pack = PackFolder::with_steps(
        &["token", "use"],
        "  token:
    title: Your token
    uses: credential
    with: { name: acme-token, test: { command: [grep, -q, '^good-'], stdin: true } }
  use: { title: Use it, needs: [token], run: ['true'], first-value: true }
policy:
  capabilities: { secrets: [acme-token] }",
    );
    let machine = Machine::with_keychain();
    let folder = pack.path().to_str().unwrap();
    let with =
        |command: &'static str, name: &'static str| ["credential", command, name, "--pack", folder, "--json"];
    let refused = machine.run_with_input(&with("set", "acme-token"), "bad-12345\n").error();
    assert_eq!(refused["code"], "credential_refused");
    assert_eq!(refused.get("last_lines"), None, "a test that prints nothing adds nothing");
    let short = machine.run_with_input(&with("set", "acme-token"), "\n").error();
    assert_eq!(short["code"], "credential_invalid");
    let unknown = machine.run_with_input(&with("set", "other"), "good-12345\n").error();
    assert_eq!(unknown["code"], "credential_unknown");

    let set = machine.run_with_input(&with("set", "acme-token"), "good-12345\n").expect(0);
    assert_eq!(set.json()["present"], true);
    assert_eq!(machine.run(&with("test", "acme-token")).expect(0).json()["ok"], true);
    let list = machine.run(&["credential", "list", "--pack", folder, "--json"]).expect(0);
    assert_eq!(list.json()[0]["name"], "acme-token");
    assert!(!list.stdout.contains("good-12345"));
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let removed = machine.run(&["credential", "remove", "acme-token", "--json"]).expect(0).json();
    assert_eq!(removed["present"], false);
    machine.on(&pack, "up", &["--yes"]).expect(1);
}

#[test]
fn undo_goes_on_after_a_step_that_cannot_be_taken_back() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    // The undo of `answer` removes a file that is gone already; the one of `folder` still works.
    std::fs::remove_file(machine.place().join("made/answer")).unwrap();
    let ran = machine.run(&["undo", "--all", "--json"]);
    assert!(!machine.place().join("made").exists(), "{}", ran.stderr);
    assert_eq!(ran.error()["code"], "step_state");
    assert!(ran.stderr.contains("`answer`"), "{}", ran.stderr);
    let journey: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(journey["steps"][1]["state"], "undone");
}

#[test]
fn undo_takes_everything_back() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let undone = machine.run(&["undo", "--all"]).expect(0);
    assert_eq!(undone.stdout, "  ↶ answer: undone\n  ↶ folder: undone\n");
    assert!(!machine.place().join("made").exists());
    let nothing = machine.run(&["undo", "--step", "folder", "--json"]).error();
    assert_eq!(nothing["code"], "step_state");
}

#[test]
fn undo_knows_what_a_step_was_made_from_after_that_was_taken_back() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["first", "second"],
        "  first:
    title: First
    shell: true
    outputs: [path]
    env: { P: '${{ inputs.place }}' }
    run: ['mkdir -p $P/made && echo path=$P/made > $FIRSTLIGHT_OUTPUT']
    undo: ['true']
  second:
    title: Second
    needs: [first]
    check: [test, -e, '${{ steps.first.outputs.path }}/b']
    run: [touch, '${{ steps.first.outputs.path }}/b']
    undo: [rm, '${{ steps.first.outputs.path }}/b']
    first-value: true",
    );
    machine.on(&pack, "up", &["--yes"]).expect(0);
    machine.run(&["undo", "--step", "first"]).expect(0);
    machine.run(&["undo", "--step", "second"]).expect(0);
    assert!(!machine.place().join("made/b").exists());
}

#[test]
fn errors_are_one_envelope_on_standard_error() {
    let machine = Machine::new();
    let code = |args: &[&str]| {
        let ran = machine.run(args);
        assert_eq!(ran.stdout, "", "{args:?}");
        ran.error()["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&["status", "--json"]), "no_journey");
    assert_eq!(code(&["report", "--json"]), "no_journey");
    assert_eq!(code(&["journal", "verify", "--json"]), "no_journey");
    assert_eq!(code(&["plan", "--pack", "nowhere", "--json"]), "pack_not_found");
    assert_eq!(code(&["plan", "--json"]), "not_enrolled");
    assert_eq!(code(&["enroll", "https://packs.acme.test", "--pack", "acme", "--json"]), "usage");
    assert_eq!(code(&["plan", "--pack", ".", "--wrong", "--json"]), "usage");
    assert_eq!(code(&["up", "--pack", ".", "--json"]), "usage");
    let pack = pack();
    let folder = pack.path().to_str().unwrap();
    assert_eq!(code(&["plan", "--pack", folder, "--persona", "nobody", "--json"]), "unknown_persona");
    assert_eq!(code(&["plan", "--pack", folder, "--input", "colour=red", "--json"]), "input_invalid");
}
