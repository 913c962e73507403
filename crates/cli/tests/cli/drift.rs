//! What was done and does not hold any more: found without changing anything, and mended by the same plan.

use std::fs;

use firstlight_testkit::PackFolder;
use serde_json::Value;

use crate::machine::Machine;

fn pack() -> PackFolder {
    PackFolder::with_steps(
        &["know", "greeting", "editor", "built", "mail"],
        "  know: { title: Know it, uses: confirm, with: { text: Do you know it? } }
  greeting: { title: Write a greeting, uses: file, with: { path: '~/hello', content: hello } }
  editor: { title: Set the editor, uses: env, with: { name: EDITOR, value: vim } }
  built:
    title: Build it
    needs: [greeting]
    check: [test, -e, '${{ inputs.place }}']
    run: [mkdir, '${{ inputs.place }}']
    first-value: true
  mail: { title: Send a mail, run: ['true'] }
policy:
  capabilities: { paths: ['~/hello'] }",
    )
}

fn drifted(machine: &Machine, code: i32) -> Vec<String> {
    let status = machine.run(&["status", "--check", "--detailed-exitcode", "--json"]).expect(code).json();
    let steps = status["steps"].as_array().unwrap().iter();
    let drifted = steps.filter(|step| step["drifted"].is_string());
    drifted.map(|step| step["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_no_longer_holds_is_said_and_mended_by_the_same_plan() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    assert_eq!(drifted(&machine, 0), [""; 0]);
    let calm = machine.run(&["status", "--check"]).expect(0);
    assert!(calm.stdout.ends_with("Everything that was done still holds.\n"), "{}", calm.stdout);

    fs::write(machine.home().join("hello"), "goodbye").unwrap();
    fs::remove_dir(machine.place()).unwrap();
    let kept = machine.kept();
    assert_eq!(drifted(&machine, 2), ["greeting", "built"]);
    assert_eq!(machine.kept(), kept, "looking records nothing");
    assert_eq!(fs::read_to_string(machine.home().join("hello")).unwrap(), "goodbye");
    let said = machine.run(&["status", "--check"]).expect(0).stdout;
    assert!(said.contains("No longer as it was:\n  ! Write a greeting (greeting): would change "), "{said}");
    assert!(said.ends_with("`firstlight up` mends it, after it has shown its plan.\n"), "{said}");
    let plain: Value = machine.run(&["status", "--json"]).expect(0).json();
    assert!(plain["steps"].as_array().unwrap().iter().all(|step| step["drifted"].is_null()), "not looked");

    machine.on(&pack, "up", &["--yes"]).expect(0);
    assert_eq!(drifted(&machine, 0), [""; 0]);
    assert_eq!(fs::read_to_string(machine.home().join("hello")).unwrap(), "hello");
}

#[test]
fn a_pack_that_changed_since_is_not_run_to_look() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let text = fs::read_to_string(pack.join("pack.yaml")).unwrap();
    fs::write(pack.join("pack.yaml"), text.replace("Build it", "Build it again")).unwrap();
    assert_eq!(machine.run(&["status", "--check", "--json"]).error()["code"], "consent_stale");
    machine.run(&["status", "--json"]).expect(0);
}

#[test]
fn what_was_mended_is_taken_back_once_and_what_needs_it_before() {
    let pack = PackFolder::with_steps(
        &["house", "roof"],
        "  house: { title: Build, shell: true, env: { P: '${{ inputs.place }}' }, check: ['test -e $P'],
           run: ['touch $P'], undo: ['rm $P'] }
  roof: { title: Cover, shell: true, env: { P: '${{ inputs.place }}' }, needs: [house], check: ['test -e $P.roof'],
          run: ['touch $P.roof'], undo: ['test -e $P && rm $P.roof'], first-value: true }",
    );
    let machine = Machine::new();
    machine.on(&pack, "up", &["--yes"]).expect(0);
    fs::remove_file(machine.place()).unwrap();
    machine.on(&pack, "up", &["--yes"]).expect(0);
    machine.run(&["undo", "--all"]).expect(0);
    assert!(!machine.place().exists() && !machine.place().with_extension("roof").exists());
}
