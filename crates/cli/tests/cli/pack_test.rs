//! `firstlight pack test`: what does not hold is found, and what holds passes, without a trace on the machine.

use std::{fs, path::Path};

use firstlight_testkit::PackFolder;
use serde_json::Value;

use crate::machine::{Machine, Ran, processes_with, signal, until};

/// Tests a pack whose steps these are; the first value is the last of them.
fn test(machine: &Machine, names: &[&str], steps: &str) -> Ran {
    let pack = PackFolder::with_steps(names, steps);
    let temporary = machine.root.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let args = ["pack", "test", pack.path().to_str().unwrap(), "--json", "--input", "place=~/place"];
    Ran::of(machine.command(&args).env("TMPDIR", temporary).output().unwrap())
}

fn step<'a>(report: &'a Value, id: &str) -> &'a Value {
    let steps = report["personas"][0]["steps"].as_array().unwrap();
    steps.iter().find(|step| step["id"] == id).unwrap_or_else(|| panic!("{report:#}"))
}

fn kinds(step: &Value) -> Vec<&str> {
    step["problems"].as_array().unwrap().iter().map(|problem| problem["kind"].as_str().unwrap()).collect()
}

/// What a test leaves beside its answer: nothing.
fn leaves_nothing(machine: &Machine) {
    assert!(!machine.state().exists(), "the person's own record was begun");
    assert_eq!(fs::read_dir(machine.home()).unwrap().count(), 0, "the person's home was written to");
    let rooms = fs::read_dir(machine.root.path().join("tmp")).unwrap();
    assert_eq!(rooms.count(), 0, "a throwaway folder stayed");
}

#[test]
fn a_pack_that_holds_passes_and_leaves_nothing() {
    let machine = Machine::new();
    let ran = test(
        &machine,
        &["welcome", "vpn", "tools", "profile", "key", "token", "folder", "once", "answer"],
        "
  welcome: { title: Read the welcome, uses: read, with: { text: Hello } }
  vpn: { title: Ask for VPN, uses: request, owner: it-helpdesk, with: { text: Please }, probe: { tcp: '127.0.0.1:1' } }
  tools: { title: Install a tool, uses: package, with: { apt: no-such-package-at-all, dnf: x, brew: x, winget: x } }
  profile: { title: Say where it is, uses: env, needs: [vpn], with: { name: ACME_HOME, value: ~/place } }
  key: { title: Make a file, uses: file, with: { path: '~/place/new', content: x, mode: '0600' } }
  token: { title: Make a token, uses: credential, with: { name: acme, title: Token, generate: { length: 20 } } }
  folder:
    title: Make a folder
    check: [test, -d, '${{ inputs.place }}/made']
    run: [mkdir, -p, '${{ inputs.place }}/made']
    undo: [rmdir, '${{ inputs.place }}/made']
    needs: [key]
  once: { title: Run its tests, needs: [folder], run: [sh, -c, 'date > made/last-run'], cwd: '${{ inputs.place }}' }
  answer:
    title: Get there
    needs: [folder, tools]
    check: ['true']
    run: ['true']
    first-value: true
policy: { capabilities: { elevation: true, secrets: [acme], hosts: [127.0.0.1] } }
",
    );
    let report = ran.expect(0).json();
    assert_eq!((&report["ok"], &report["confined"]), (&true.into(), &true.into()), "{report:#}");
    let outcome = |id: &str| step(&report, id)["outcome"].as_str().unwrap();
    assert_eq!((outcome("welcome"), outcome("vpn")), ("assumed", "assumed"));
    assert!(step(&report, "vpn")["why"].as_str().unwrap().contains("it-helpdesk"));
    assert_eq!((outcome("tools"), outcome("answer")), ("skipped", "skipped"), "{report:#}");
    assert!(step(&report, "answer")["why"].as_str().unwrap().contains("`tools`"));
    for done in ["profile", "key", "token", "folder", "once"] {
        assert_eq!(outcome(done), "done", "{report:#}");
    }
    // It has no undo: said, and not held against it.
    let stays = &step(&report, "once")["stays"];
    assert!(stays["paths"].to_string().contains("~/place/made/last-run"), "{report:#}");
    leaves_nothing(&machine);
}

#[test]
fn a_step_that_fails_is_found_with_what_it_said_and_what_it_holds_up() {
    let machine = Machine::new();
    let ran = test(
        &machine,
        &["broken", "behind"],
        "
  broken: { title: Break, run: [sh, -c, 'echo no licence here; exit 3'] }
  behind: { title: Come after, needs: [broken], run: ['true'], first-value: true }
",
    );
    let report = ran.expect(1).json();
    assert_eq!(kinds(step(&report, "broken")), ["fails"]);
    assert!(step(&report, "broken")["problems"][0]["last_lines"].to_string().contains("no licence here"));
    assert_eq!(step(&report, "behind")["outcome"], "skipped");
    leaves_nothing(&machine);
}

#[test]
fn a_check_that_never_holds_is_found() {
    let machine = Machine::new();
    let ran = test(
        &machine,
        &["never"],
        "  never: { title: Never hold, check: ['false'], run: ['true'], first-value: true }\n",
    );
    assert_eq!(kinds(step(&ran.expect(1).json(), "never")), ["never_holds"]);
}

#[test]
fn what_is_not_the_same_twice_is_found() {
    let machine = Machine::new();
    let ran = test(
        &machine,
        &["line", "folder", "forgets", "last"],
        "
  line: { title: Add a line, run: [sh, -c, 'echo source acme >> ~/.profile'] }
  folder: { title: Make a folder, needs: [line], run: [sh, -c, 'mkdir ~/made'] }
  # Its check is content once, and never again.
  forgets:
    title: Forget
    needs: [folder]
    check: [sh, -c, 'test -e ~/there && rm ~/there']
    run: [sh, -c, 'touch ~/there']
  last: { title: Fine, check: [test, -e, '/'], run: ['true'], first-value: true }
",
    );
    let report = ran.expect(1).json();
    assert_eq!(kinds(step(&report, "line")), ["not_idempotent"], "{report:#}");
    assert_eq!(step(&report, "line")["problems"][0]["paths"][0], "~/.profile");
    assert_eq!(kinds(step(&report, "folder")), ["not_idempotent"]);
    assert_eq!(kinds(step(&report, "forgets"))[0], "not_idempotent");
    assert_eq!(step(&report, "last")["problems"], Value::Array(Vec::new()));
}

#[test]
fn an_undo_that_leaves_something_or_fails_is_found() {
    let machine = Machine::new();
    let ran = test(
        &machine,
        &["leaves", "mode", "wrong", "serves"],
        "
  leaves:
    title: Leave a file
    check: [sh, -c, 'test -e ~/one']
    run: [sh, -c, 'touch ~/one ~/two']
    undo: [sh, -c, 'rm ~/one']
  mode:
    title: Change a mode
    check: [sh, -c, 'test -e ~/three']
    run: [sh, -c, 'touch ~/three; chmod 0711 ~/.profile']
    undo: [sh, -c, 'rm ~/three']
  wrong:
    title: Fail to undo
    check: [sh, -c, 'test -e ~/four']
    run: [sh, -c, 'touch ~/four']
    undo: [sh, -c, 'echo cannot; exit 4']
  serves: { title: Fine, check: ['true'], run: ['true'], first-value: true }
",
    );
    let report = ran.expect(1).json();
    assert_eq!(kinds(step(&report, "leaves")), ["undo_leaves"], "{report:#}");
    assert_eq!(step(&report, "leaves")["problems"][0]["paths"], serde_json::json!(["~/two"]));
    assert_eq!(step(&report, "mode")["problems"][0]["paths"], serde_json::json!(["~/.profile"]));
    assert_eq!(kinds(step(&report, "wrong")), ["undo_fails"], "{report:#}");
    leaves_nothing(&machine);
}

/// As root too, who may write anywhere else.
#[test]
fn what_writes_outside_is_kept_from_it_and_found() {
    let machine = Machine::new();
    let outside = machine.root.path().join("outside");
    fs::write(&outside, "mine\n").unwrap();
    let places = ["appends", "replaces", "makes"];
    let path = outside.display();
    let ran = test(
        &machine,
        &places,
        &format!(
            "
  appends: {{ title: Append, run: [sh, -c, 'echo more >> {path}'] }}
  replaces: {{ title: Replace, uses: file, with: {{ path: '{path}', content: theirs }} }}
  makes: {{ title: Make, run: [mkdir, '{path}-too'], first-value: true }}
"
        ),
    );
    let report = ran.expect(1).json();
    for place in places {
        assert_eq!(kinds(step(&report, place)), ["writes_outside"], "{report:#}");
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine\n");
    assert!(!Path::new(&format!("{path}-too")).exists());
}

#[test]
fn nothing_of_the_persons_environment_gets_in() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["looks"],
        &format!(
            "  looks:
    title: Look around
    shell: true
    run: 'test -z \"$ACME_TOKEN\" && test \"$HOME\" != {} && case $DBUS_SESSION_BUS_ADDRESS in *firstlight-test-*) true;; *) false;; esac'
    first-value: true
",
            machine.home().display()
        ),
    );
    let ran = Ran::of(
        machine
            .command(&["pack", "test", pack.path().to_str().unwrap(), "--json", "--input", "place=~/place"])
            .env("ACME_TOKEN", "of-the-person")
            .output()
            .unwrap(),
    );
    assert_eq!(ran.expect(0).json()["ok"], true);
}

#[test]
fn a_report_for_people_says_what_was_not_tested_and_why() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["tool", "line"],
        "
  tool: { title: Install a tool, uses: package, with: { apt: no-such-package-at-all, dnf: x, brew: x, winget: x } }
  line: { title: Add a line, run: [sh, -c, 'echo acme >> ~/.profile'], first-value: true }
policy: { capabilities: { elevation: true } }
",
    );
    let folder = pack.path().to_str().unwrap();
    let said = machine.run(&["pack", "test", folder, "--input", "place=~/place"]).expect(1).stdout;
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("pack_test", said);
    });

    let nobody = machine.run(&["pack", "test", folder, "--persona", "nobody"]).expect(1);
    assert!(nobody.stderr.contains("nobody") && nobody.stderr.contains("hint"), "{}", nobody.stderr);
    let unasked = machine.run(&["pack", "test", folder, "--json", "--input", "colour=blue"]).error();
    assert_eq!(unasked["code"], "input_invalid");
}

#[test]
fn stopped_in_the_middle_it_takes_everything_with_it() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["waits"],
        "  waits: { title: Wait, run: [sh, -c, 'echo > ~/begun; sleep 86397'], first-value: true }\n",
    );
    let temporary = machine.root.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let args = ["pack", "test", pack.path().to_str().unwrap(), "--input", "place=~/place"];
    let mut testing = machine.command(&args).env("TMPDIR", &temporary).spawn().unwrap();
    until("the step runs", || !processes_with("sleep 86397").is_empty());
    signal(&testing, "INT");
    assert_eq!(testing.wait().unwrap().code(), Some(130));
    until("no process is left", || processes_with("sleep 86397").is_empty());
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "a throwaway folder stayed");
}

#[test]
fn without_being_kept_to_its_folder_it_says_so() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["fine"],
        "  fine: { title: Be fine, check: ['true'], run: ['true'], first-value: true }\n",
    );
    let args =
        ["pack", "test", pack.path().to_str().unwrap(), "--input", "place=~/place", "--unconfined", "--json"];
    let report = machine.run(&args).expect(0).json();
    assert_eq!(report["confined"], false);
    assert!(
        report["limits"].to_string().contains("did not keep the test to its throwaway folder"),
        "{report}"
    );
}
