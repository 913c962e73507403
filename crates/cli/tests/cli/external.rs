//! A program that a pack ships: linted, planned, done, planned again, taken back. And one that does not behave.

use std::{fs, os::unix::fs::PermissionsExt};

use firstlight_testkit::PackFolder;
use serde_json::json;

use crate::machine::Machine;

const STEPS: &str = "
  line:
    title: Turn the proxy on
    uses: external
    outputs: [file]
    with:
      program: providers/acme-line
      values: { file: '${{ inputs.place }}/settings/proxy', line: 'proxy = on' }
      writes: ['${{ inputs.place }}/settings']
  look:
    title: See that it is on
    needs: [line]
    check: [grep, -q, 'proxy = on', '${{ steps.line.outputs.file }}']
    run: ['false']
    first-value: true
policy:
  capabilities: { paths: ['${{ inputs.place }}'], reads: [] }";

fn pack(steps: &str) -> PackFolder {
    let pack = PackFolder::with_steps(&["line", "look"], steps);
    fs::create_dir(pack.join("providers")).unwrap();
    let program = pack.join("providers/acme-line");
    fs::write(&program, include_str!("programs/acme-line")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    pack
}

fn machine() -> Machine {
    let machine = Machine::new();
    fs::create_dir(machine.place()).unwrap();
    machine
}

#[test]
fn a_program_of_the_pack_is_planned_done_and_taken_back() {
    let (machine, pack) = (machine(), pack(STEPS));
    let lint = machine.run(&["pack", "lint", pack.path().to_str().unwrap()]).expect(0);
    assert_eq!(lint.stdout, "0 errors, 0 warnings.\n");

    let plan = machine.on(&pack, "plan", &["--json", "--detailed-exitcode"]).expect(2).json();
    let settings = machine.place().join("settings");
    assert!(!settings.exists(), "a plan changes nothing");
    let step = &plan["steps"][0];
    assert_eq!(step["outcome"], "will_change");
    let file = settings.join("proxy").display().to_string();
    assert_eq!(step["reason"], format!("acme-line 1.0.0: would add a line to {file}"));
    assert_eq!(step["detail"]["files"][0]["path"], file);
    assert!(step["detail"]["files"][0]["diff"].as_str().unwrap().contains("+proxy = on"));
    let reach = &step["detail"]["reach"];
    assert_eq!(reach["reads"], json!([]));
    assert_eq!(reach["writes"], json!([settings.display().to_string()]));
    assert_eq!(reach["program"].as_str().unwrap().len(), 64);
    let shown = machine.on(&pack, "plan", &[]).expect(0).stdout;
    assert!(shown.contains("/providers/acme-line apply\n"), "{shown}");
    assert!(shown.contains(&format!("      may change {}\n", settings.display())), "{shown}");
    // Linux 5.13 or later with Landlock enabled confines; whichever it is, it is said.
    let said = if reach["enforced"] == true {
        "can do nothing else: this system confines it"
    } else {
        "not confined on this system: it can do whatever you can"
    };
    assert!(shown.contains(said), "{shown}");

    machine.on(&pack, "up", &["--yes"]).expect(0);
    assert_eq!(fs::read_to_string(settings.join("proxy")).unwrap(), "proxy = on\n");
    let again = machine.on(&pack, "plan", &["--json", "--detailed-exitcode"]).expect(0).json();
    assert_eq!(again["summary"], json!({ "will_change": 0, "ok": 2, "unknown": 0, "blocked": 0 }));
    let log = machine.kept().into_iter().find(|(path, _)| path.ends_with("line.log")).expect("its log").1;
    assert!(String::from_utf8(log).unwrap().contains("adding a line to"), "what it says on stderr is logged");

    machine.run(&["undo", "--step", "line"]).expect(0);
    assert!(!settings.exists(), "the folder that was made for it is gone, too");
}

#[test]
fn what_was_there_is_given_back_and_what_was_changed_since_is_left_alone() {
    let (machine, pack) = (machine(), pack(STEPS));
    let settings = machine.place().join("settings");
    fs::create_dir(&settings).unwrap();
    fs::write(settings.join("proxy"), "colour = blue\n").unwrap();
    machine.on(&pack, "up", &["--yes"]).expect(0);
    fs::write(settings.join("proxy"), "proxy = on\nmine\n").unwrap();
    let error = machine.run(&["undo", "--step", "line", "--json"]).error();
    assert!(error["message"].as_str().unwrap().contains("was changed since"), "{error}");
    assert_eq!(error["hint"], "Change it back yourself.");
    assert_eq!(fs::read_to_string(settings.join("proxy")).unwrap(), "proxy = on\nmine\n");
    fs::write(settings.join("proxy"), "colour = blue\nproxy = on\n").unwrap();
    machine.run(&["undo", "--step", "line"]).expect(0);
    assert_eq!(fs::read_to_string(settings.join("proxy")).unwrap(), "colour = blue\n");
}

#[test]
fn the_policy_governs_what_it_declares() {
    let machine = machine();
    let says = |steps: &str| {
        let pack = pack(steps);
        let json = machine.run(&["pack", "lint", pack.path().to_str().unwrap(), "--json"]).expect(1).json();
        let problem = &json["problems"][0];
        assert!(problem["line"].as_u64().is_some_and(|line| line > 10), "it is at its place: {problem}");
        problem["message"].as_str().unwrap().to_owned()
    };
    for (said, from, to) in [
        (
            "writes `~/.ssh`, which the policy does not list",
            "writes: ['${{ inputs.place }}/settings']",
            "writes: [~/.ssh]",
        ),
        (
            "contacts `vpn.acme.test`, which the policy does not list",
            "outputs: [file]\n    with:",
            "outputs: [file]\n    with:\n      hosts: [vpn.acme.test]",
        ),
        (
            "reads `~/.ssh`, which the policy does not list",
            "outputs: [file]\n    with:",
            "outputs: [file]\n    with:\n      reads: [~/.ssh]",
        ),
        ("the pack has no file `providers/acme-lien`", "providers/acme-line", "providers/acme-lien"),
        ("should be a path inside the pack", "providers/acme-line", "../acme-line"),
    ] {
        let message = says(&STEPS.replacen(from, to, 1));
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn e2_a_program_that_reaches_further_than_it_declares_fails_and_changes_nothing() {
    let (machine, pack) =
        (machine(), pack(&STEPS.replacen("      writes: ['${{ inputs.place }}/settings']\n", "", 1)));
    let settings = machine.place().join("settings");
    fs::create_dir(&settings).unwrap();
    let plan = machine.on(&pack, "plan", &["--json"]).expect(0).json();
    assert_eq!(plan["steps"][0]["outcome"], "unknown");
    let reason = plan["steps"][0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("which the step does not declare in `writes`") && reason.contains("tell "),
        "{reason}"
    );
    if plan["steps"][0]["detail"]["reach"]["enforced"] == false {
        return;
    }
    let ran = machine.on(&pack, "up", &["--yes", "--json"]).expect(1);
    let failed = ran.lines().into_iter().find(|line| line["type"] == "finished").unwrap();
    assert_eq!(failed["failed"], json!(["line"]));
    assert_eq!(fs::read_dir(settings).unwrap().count(), 0);
}
