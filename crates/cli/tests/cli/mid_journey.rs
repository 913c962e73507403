//! A newer release of the pack under somebody who is on the way.

use std::fs;

use firstlight_testkit::PackFolder;
use serde_json::{Value, json};

use crate::machine::Machine;

/// One step that leaves a line for each time it ran.
fn counted(name: &str, word: &str, more: &str) -> String {
    format!(
        "  {name}:
    title: Do {name}
    shell: true
    env: {{ PLACE: '${{{{ inputs.place }}}}' }}
    run: ['echo {word} >> $PLACE-{name}']{more}\n"
    )
}

const GOAL: &str = "\n    first-value: true";

fn older() -> PackFolder {
    let steps = [
        counted("same", "one", ""),
        counted("other", "one", ""),
        counted("gone", "one", ""),
        "  goal: { title: The goal, needs: [same], check: [test, -e, '${{ inputs.place }}-goal'], run: ['false'], first-value: true }\n".to_owned(),
    ];
    PackFolder::with_steps(&["same", "other", "gone", "goal"], &steps.concat())
}

/// The newer release: one step is only called something else, one does something else, one is gone, one is new, and the
/// clock would stop elsewhere.
fn newer(pack: &PackFolder) {
    let steps = [
        counted("same", "one", "").replace("Do same", "Do the same"),
        counted("other", "two", ""),
        "  goal: { title: The goal, needs: [same], check: [test, -e, '${{ inputs.place }}-goal'], run: [touch, '${{ inputs.place }}-goal'] }\n".to_owned(),
        counted("fresh", "one", GOAL).replace("shell: true", "needs: [goal]\n    shell: true"),
    ];
    let newer = PackFolder::with_steps(&["same", "other", "goal", "fresh"], &steps.concat());
    fs::copy(newer.join("pack.yaml"), pack.join("pack.yaml")).unwrap();
}

fn status(machine: &Machine) -> Value {
    serde_json::from_str(&machine.run(&["status", "--json"]).expect(0).stdout).unwrap()
}

fn step<'a>(status: &'a Value, id: &str) -> &'a Value {
    status["steps"].as_array().unwrap().iter().find(|step| step["id"] == id).unwrap()
}

#[test]
fn a_release_in_the_middle_takes_nothing_away() {
    let (machine, pack) = (Machine::new(), older());
    let ran = |name: &str| {
        fs::read_to_string(machine.root.path().join(format!("place-{name}"))).unwrap_or_default()
    };
    machine.on(&pack, "up", &["--yes"]).expect(1);
    assert_eq!([ran("same"), ran("other"), ran("gone")], ["one\n", "one\n", "one\n"]);

    newer(&pack);
    // Before anything is agreed to, what the release is to this journey is said, and nothing is taken away.
    let before = status(&machine);
    assert_eq!(step(&before, "same")["state"], "changed");
    assert_eq!(step(&before, "same").get("news"), None);
    assert_eq!(step(&before, "other")["news"], "changed");
    assert_eq!(step(&before, "fresh")["news"], "new");
    assert_eq!(step(&before, "goal")["first_value"], true, "the clock stops where the journey meant it to");
    assert_eq!(step(&before, "fresh")["first_value"], false);
    let shown = machine.run(&["status"]).expect(0).stdout;
    assert!(shown.contains("(new)") && shown.contains("(changed since)"), "{shown}");

    let last = machine.on(&pack, "up", &["--yes", "--json"]).expect(0).lines().pop().unwrap();
    assert_eq!(last["first_value_reached"], true);
    assert_eq!(ran("same"), "one\n", "finished and unchanged");
    assert_eq!(ran("other"), "one\ntwo\n", "it does something else now");
    assert_eq!(ran("fresh"), "one\n");
    let after = status(&machine);
    assert!(after["steps"].as_array().unwrap().iter().all(|step| step.get("news").is_none()), "{after}");
    let report: Value = serde_json::from_str(&machine.run(&["report", "--json"]).expect(0).stdout).unwrap();
    assert!(report["ttfv"].is_object(), "{report}");

    // What is gone from the checklist is in the history, and a third time nothing is left to do.
    let exported = machine.run(&["journal", "export"]).expect(0).stdout;
    assert!(exported.contains("\"gone\""), "{exported}");
    let again = machine.on(&pack, "plan", &["--json"]).expect(0);
    let plan: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(plan["summary"]["will_change"], json!(0));
}

/// A step that leaves a file, and takes it away again.
fn left(name: &str, more: &str) -> String {
    format!(
        "  {name}:
    title: Do {name}
    check: [test, -e, '${{{{ inputs.place }}}}-{name}']
    run: [touch, '${{{{ inputs.place }}}}-{name}']
    undo: [rm, '${{{{ inputs.place }}}}-{name}']{more}\n"
    )
}

#[test]
fn what_a_release_has_no_more_is_taken_back_by_the_one_that_did_it() {
    let older = || PackFolder::with_steps(&["gone", "goal"], &(left("gone", "") + &left("goal", GOAL)));
    let newer = PackFolder::with_steps(&["goal"], &left("goal", GOAL));
    for is_still_there in [true, false] {
        let (machine, older) = (Machine::new(), older());
        let made = |name: &str| machine.root.path().join(format!("place-{name}")).exists();
        machine.on(&older, "up", &["--yes"]).expect(0);
        machine.on(&newer, "up", &["--yes"]).expect(0);
        assert!(made("gone") && made("goal"), "a release takes nothing away");
        if is_still_there {
            machine.run(&["undo", "--all"]).expect(0);
            assert!(!made("gone") && !made("goal"));
        } else {
            let path = older.path().display().to_string();
            drop(older);
            let said = machine.run(&["undo", "--all"]).expect(1).stderr;
            assert!(said.contains("`gone` was done by release 1.0.0") && said.contains(&path), "{said}");
            assert!(made("gone") && !made("goal"), "one that cannot be taken back keeps none of the others");
        }
    }
}

#[test]
fn a_pack_that_was_moved_goes_on_from_its_new_place_and_another_one_can_take_its_place() {
    let machine = Machine::new();
    let steps = format!(
        "{}  goal: {{ title: The goal, run: ['true'], first-value: true }}\n",
        counted("same", "one", "")
    );
    let first = PackFolder::with_steps(&["same", "goal"], &steps);
    machine.on(&first, "up", &["--yes"]).expect(0);
    drop(first);
    let moved = PackFolder::with_steps(&["same", "goal"], &steps);
    machine.on(&moved, "up", &["--yes"]).expect(0);
    let lines = fs::read_to_string(format!("{}-same", machine.place().display())).unwrap();
    assert_eq!(lines, "one\n", "what was done is done, wherever the pack lies");

    // Another pack for the same persona: only if the person leaves this one.
    let other = PackFolder::with_steps(&["same", "goal"], &steps);
    let path = other.join("pack.yaml");
    fs::write(&path, fs::read_to_string(&path).unwrap().replacen("name: test", "name: other", 1)).unwrap();
    let refused = machine.on(&other, "up", &["--yes"]).expect(1).stderr;
    assert!(refused.contains("You are on the way as `dev` of the pack `test`."), "{refused}");
    machine.on(&other, "up", &["--yes", "--leave"]).expect(0);
    assert_eq!(status(&machine)["pack"], "other");
    // It can be left also when its folder is gone.
    drop(other);
    machine.on(&moved, "up", &["--yes", "--leave"]).expect(0);
    assert_eq!(status(&machine)["pack"], "test");
}
