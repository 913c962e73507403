//! What a run goes on without, and what it leaves to the person: named until it holds, or is done.

use std::fs;

use firstlight_testkit::PackFolder;
use serde_json::{Value, json};

use crate::machine::{Machine, Ran, until};

fn pack() -> PackFolder {
    PackFolder::with_steps(
        &["group", "fonts", "answer", "late"],
        "  group:
    title: Join the group
    check: [test, -e, '${{ inputs.place }}-group']
    run: [touch, '${{ inputs.place }}-group']
    undo: [rm, -f, '${{ inputs.place }}-group']
    follow-up: Log out and in again.
  fonts:
    title: Install the fonts
    best-effort: true
    shell: true
    env: { PLACE: '${{ inputs.place }}' }
    check: ['test -e $PLACE-fonts']
    run: ['echo no such font; exit 3']
  answer: { title: See it answer, needs: [group], run: ['true'], first-value: true }
  late:
    title: Come last
    needs: [answer]
    shell: true
    env: { PLACE: '${{ inputs.place }}' }
    check: ['test -e $PLACE-late']
    run: ['test ! -e $PLACE-bad']",
    )
}

fn finished(ran: &Ran) -> Value {
    ran.lines().pop().unwrap()
}

fn make(machine: &Machine, what: &str) {
    fs::write(machine.root.path().join(format!("place-{what}")), "").unwrap();
}

#[test]
fn a_best_effort_step_that_fails_is_named_by_every_run_until_it_holds() {
    let (machine, pack) = (Machine::new(), pack());
    make(&machine, "late");
    for _ in 0..2 {
        let end = finished(&machine.on(&pack, "up", &["--yes", "--json"]).expect(0));
        assert_eq!(
            (&end["ok"], &end["failed"], &end["best_effort"]),
            (&json!(true), &json!([]), &json!(["fonts"]))
        );
    }
    let shown = machine.on(&pack, "up", &["--yes"]).expect(0).stdout;
    let named = "Install the fonts (fonts): failed. ";
    assert!(
        shown.contains("(best effort)") && shown.contains(named) && shown.contains("no such font"),
        "{shown}"
    );
    let status = machine.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["best_effort"], json!(["fonts"]));
    assert_eq!(status["next"], Value::Null, "it stops nothing");
    let said = machine.run(&["status"]).expect(0).stdout;
    assert!(said.contains("Install the fonts (fonts): failed (best effort)"), "{said}");
    // Asked for by name, it is what the run is for.
    assert_eq!(
        finished(&machine.on(&pack, "up", &["--yes", "--json", "--only", "fonts"]).expect(1))["ok"],
        false
    );

    make(&machine, "fonts");
    let end = finished(&machine.on(&pack, "up", &["--yes", "--json"]).expect(0));
    assert_eq!(end["best_effort"], json!([]));
    assert_eq!(machine.run(&["status", "--json"]).expect(0).json()["best_effort"], json!([]));
}

#[test]
fn what_is_left_to_the_person_is_said_though_the_run_failed_until_they_did_it() {
    let (machine, pack) = (Machine::new(), pack());
    make(&machine, "bad");
    let shown = machine.on(&pack, "up", &["--yes"]).expect(1).stdout;
    let left = "Left for you to do:\n  • Log out and in again. (group)\n";
    assert!(shown.contains(left), "{shown}");
    let end = finished(&machine.on(&pack, "up", &["--yes", "--json"]).expect(1));
    let due = |value: &Value| value["follow_ups"].as_array().unwrap().len();
    assert_eq!(end["follow_ups"][0]["texts"], json!(["Log out and in again."]));
    assert_eq!((&end["follow_ups"][0]["step"], due(&end)), (&json!("group"), 1));
    assert!(machine.run(&["status"]).expect(0).stdout.contains(left));

    let refused = machine.run(&["status", "--followed-up", "answer", "--json"]).error();
    assert_eq!(refused["code"], "step_state");
    let status = machine.run(&["status", "--followed-up", "group", "--json"]).expect(0).json();
    assert_eq!(due(&status), 0);
    assert!(!machine.on(&pack, "up", &["--yes"]).expect(1).stdout.contains("Left for you"));

    // Done anew, it is due anew; taken back, it is not.
    fs::remove_file(machine.root.path().join("place-group")).unwrap();
    assert_eq!(due(&finished(&machine.on(&pack, "up", &["--yes", "--json"]).expect(1))), 1);
    machine.run(&["undo", "--step", "group"]).expect(0);
    assert_eq!(due(&machine.run(&["status", "--json"]).expect(0).json()), 0);
    assert_eq!(machine.run(&["journal", "verify", "--json"]).expect(0).json()["ok"], true);
}

#[test]
fn the_end_of_a_run_says_what_failed_why_where_to_read_on_and_what_to_type() {
    let (machine, pack) = (Machine::new(), pack());
    make(&machine, "bad");
    let shown = machine.on(&pack, "up", &["--yes"]).expect(1).stdout;
    let end = shown.split("Come last (late): failed. ").last().unwrap();
    let log = end.lines().find_map(|line| line.strip_prefix("  log: ")).unwrap();
    let log = log.replacen('~', machine.home().to_str().unwrap(), 1);
    assert!(fs::metadata(&log).unwrap().is_file(), "{log}");
    let again = end.lines().find_map(|line| line.strip_prefix("  just this again: ")).unwrap();
    let folder = pack.path().display().to_string();
    assert!(again.starts_with(&format!("firstlight up --pack {folder} --persona ")), "{again}");
    assert!(again.ends_with(" --only late"), "{again}");
    fs::remove_file(machine.root.path().join("place-bad")).unwrap();
    make(&machine, "late");
    // What it says, typed.
    let args: Vec<&str> = again.split(' ').skip(1).chain(["--yes"]).collect();
    machine.run(&args).expect(0);
}

#[test]
fn f2_what_a_killed_run_may_have_done_leaves_the_same_to_the_person() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["told", "seen"],
        "  told:
    title: Send a mail
    run: [sh, -c, 'touch \"$0-told\"; sleep 60', '${{ inputs.place }}']
    follow-up: Wait for the answer.
  seen:
    title: Join the group
    check: [test, -e, '${{ inputs.place }}-seen']
    run: [sh, -c, 'touch \"$0-seen\"; sleep 60', '${{ inputs.place }}']
    follow-up: Log out and in again.
    first-value: true",
    );
    let mut killed = machine.command_on(&pack, "up", &["--yes"]).spawn().unwrap();
    let there = |what: &str| machine.root.path().join(format!("place-{what}")).exists();
    until("both have begun", || there("told") && there("seen"));
    killed.kill().unwrap();
    killed.wait().unwrap();
    // One is found to hold; of the other only the person knows.
    let end = finished(&machine.on(&pack, "up", &["--yes", "--json", "--took-effect", "told"]).expect(0));
    let due: Vec<&str> =
        end["follow_ups"].as_array().unwrap().iter().map(|left| left["step"].as_str().unwrap()).collect();
    assert_eq!(due, ["told", "seen"]);
}
