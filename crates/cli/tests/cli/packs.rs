//! `firstlight pack` and `firstlight completions`.

use std::fs;

use firstlight_testkit::PackFolder;
use serde_json::{Value, json};

use crate::machine::Machine;

#[test]
fn a_new_pack_lints_clean_plans_and_reaches_first_value() {
    let machine = Machine::new();
    let wrote =
        machine.run(&["pack", "init", "mine", "--title", "Welcome to Acme", "--persona", "Backend engineer"]);
    assert!(wrote.expect(0).stdout.contains("pack.yaml"));
    assert_eq!(machine.run(&["pack", "lint", "mine"]).expect(0).stdout, "0 errors, 0 warnings.\n");
    let plan = machine.run(&["plan", "--pack", "mine", "--detailed-exitcode", "--json"]).expect(2).json();
    assert_eq!(plan["persona"], "backend-engineer");
    machine.run(&["up", "--pack", "mine", "--yes"]).expect(0);
    machine.run(&["plan", "--pack", "mine", "--detailed-exitcode"]).expect(0);

    let again = machine.run(&["pack", "init", "mine"]).expect(1);
    assert!(again.stderr.contains("nothing is overwritten"), "{}", again.stderr);
}

/// A pack with every mistake an author makes first.
const MISTAKEN: &str = "apiVersion: firstlight.dev/v1
kind: Pack
metadata: { name: acme, version: 1.0.0, title: Welcome, owner: platform }
personas:
  dev: { title: Developer }
  qa: { title: Tester }
checklists:
  dev:
    stages:
      - { id: day-1, title: Day one, steps: [one, two, three, nowhere] }
steps:
  one: { title: One, neeeds: [two], run: ['true'] }
  two: { title: Two, needs: [three], run: ['true'] }
  three: { title: Three, needs: [two], run: [echo, '${{ inputs.missing }}'], first-value: true }
";

#[test]
fn lint_names_file_line_and_fix() {
    let machine = Machine::new();
    let pack = PackFolder::new(MISTAKEN);
    let folder = pack.path().to_str().unwrap();
    let report = machine.run(&["pack", "lint", folder]).expect(1);
    assert!(!report.stdout.contains('\u{1b}'));
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("lint", machine.plain(&report.stdout, &pack));
    });

    let json = machine.run(&["pack", "lint", folder, "--json"]).expect(1).json();
    assert_eq!(json["ok"], false);
    let problems = json["problems"].as_array().unwrap();
    let line_of = |words: &str| -> u64 {
        let of = |one: &&Value| one["message"].as_str().unwrap().contains(words);
        problems.iter().find(of).unwrap_or_else(|| panic!("nothing about {words}: {json}"))["line"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(line_of("neeeds"), 12);
    assert_eq!(line_of("nowhere"), 10);
    assert_eq!(line_of("qa"), 6);
    let nearest = problems.iter().find(|one| one["message"].as_str().unwrap().contains("neeeds")).unwrap();
    assert!(nearest["hint"].as_str().unwrap().contains("`needs`"), "{nearest}");
}

#[test]
fn lint_finds_a_cycle_where_it_is() {
    let machine = Machine::new();
    let pack = PackFolder::with_steps(
        &["one", "two"],
        "  one: { title: One, needs: [two], run: ['true'] }
  two: { title: Two, needs: [one], run: ['true'], first-value: true }",
    );
    let folder = pack.path().to_str().unwrap();
    let json = machine.run(&["pack", "lint", folder, "--json"]).expect(1).json();
    let cycle = json["problems"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["code"].as_str().unwrap().contains("cycle"));
    let cycle = cycle.unwrap_or_else(|| panic!("{json}"));
    assert!(cycle["line"].as_u64().is_some_and(|line| line >= 12), "{cycle}");
}

#[test]
fn schema_and_reference_name_every_field() {
    let machine = Machine::new();
    let schema: Value = machine.run(&["pack", "schema"]).expect(0).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let reference = machine.run(&["pack", "schema", "--markdown"]).expect(0).stdout;
    for kind in ["command", "git/clone", "ssh/key", "credential", "request"] {
        assert!(reference.contains(&format!("`{kind}`")), "{kind}");
    }
}

#[test]
fn completions_know_the_commands_of_each_shell() {
    let machine = Machine::new();
    for (shell, mark) in
        [("bash", "complete -F"), ("zsh", "#compdef firstlight"), ("fish", "complete -c firstlight")]
    {
        let script = machine.run(&["completions", shell]).expect(0).stdout;
        assert!(script.contains(mark), "{shell}");
        for word in ["plan", "credential", "detailed-exitcode"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    // Bash is here to try it: pl<Tab> is plan.
    let script = machine.run(&["completions", "bash"]).expect(0).stdout;
    let file = machine.root.path().join("completion");
    std::fs::write(&file, script).unwrap();
    let tried = std::process::Command::new("bash")
        .args(["--norc", "-c"])
        .arg("source \"$0\"; COMP_WORDS=(firstlight pl); COMP_CWORD=1; _firstlight firstlight pl firstlight; echo \"${COMPREPLY[@]}\"")
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&tried.stdout).trim(), "plan");
}

#[test]
fn the_documents_are_searched_without_a_network() {
    let machine = Machine::new();
    let pack =
        PackFolder::with_steps(&["goal"], "  goal: { title: The goal, run: ['true'], first-value: true }");
    fs::create_dir(pack.join("docs")).unwrap();
    fs::write(
        pack.join("docs/vpn.md"),
        "# Network\n\n## The VPN\n\nAsk the help desk, \u{1b}[31mthen wait.\n",
    )
    .unwrap();
    let path = pack.path().display().to_string();
    let shown = machine.run(&["docs", "search", "help", "desk", "--pack", &path]).expect(0).stdout;
    assert!(shown.contains("Network: The VPN (docs/vpn.md)\n  Ask the help desk,"), "{shown:?}");
    assert!(!shown.contains("\u{1b}[31m"), "a document cannot colour the terminal");
    let json = machine.run(&["docs", "search", "nobody", "--pack", &path, "--json"]).expect(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["hits"], json!([]));
    machine.run(&["docs", "search", "help"]).expect(1);
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let of_journey = machine.run(&["docs", "search", "vpn"]).expect(0).stdout;
    assert!(of_journey.contains("docs/vpn.md"), "{of_journey}");
    assert!(machine.run(&["docs", "search", "--", "--"]).expect(1).stderr.contains("no word"));
}
