use std::{fs, process::Command};

use serde_json::json;

use crate::Machine;

fn git(machine: &Machine, args: &[&str]) -> String {
    let run = Command::new("git").args(args).env("HOME", machine.home()).output().unwrap();
    String::from_utf8(run.stdout).unwrap()
}

#[tokio::test]
async fn a_setting_comes_and_goes() {
    let machine = Machine::new();
    let operation =
        machine.operation("git/config", json!({ "key": "user.email", "value": "mira@acme.test" }));
    machine.bring_about(&*operation).await;
    assert_eq!(git(&machine, &["config", "--global", "user.email"]), "mira@acme.test\n");
    machine.undo(&*operation).await.unwrap();
    assert_eq!(git(&machine, &["config", "--global", "user.email"]), "");
    machine.undo(&*operation).await.unwrap();
}

#[tokio::test]
async fn every_value_that_was_there_comes_back() {
    let machine = Machine::new();
    let config = machine.home().join(".gitconfig");
    for before in ["[pull]\n\trebase = true\n", "[pull]\n\trebase = true\n\trebase = merges\n\trebase = -x\n"]
    {
        fs::write(&config, before).unwrap();
        let values = git(&machine, &["config", "--global", "--get-all", "pull.rebase"]);
        let operation = machine.operation("git/config", json!({ "key": "pull.rebase", "value": "false" }));
        machine.bring_about(&*operation).await;
        assert_eq!(git(&machine, &["config", "--global", "--get-all", "pull.rebase"]), "false\n");
        machine.undo(&*operation).await.unwrap();
        assert_eq!(git(&machine, &["config", "--global", "--get-all", "pull.rebase"]), values);
    }
}

#[tokio::test]
async fn e2_a_value_that_looks_like_an_option_is_a_value() {
    let machine = Machine::new();
    for value in ["--unset-all", "-e", "with space", "quo\"te", "$(id)", "#hash", "a;b"] {
        let operation = machine.operation("git/config", json!({ "key": "first.light", "value": value }));
        machine.bring_about(&*operation).await;
        assert_eq!(git(&machine, &["config", "--global", "first.light"]), format!("{value}\n"));
    }
}

#[tokio::test]
async fn what_was_changed_since_is_left_alone() {
    let machine = Machine::new();
    let operation = machine.operation("git/config", json!({ "key": "user.name", "value": "Mira" }));
    machine.bring_about(&*operation).await;
    git(&machine, &["config", "--global", "user.name", "Mira Lindqvist"]);
    assert!(machine.undo(&*operation).await.unwrap_err().cause.contains("changed since"));
    assert_eq!(git(&machine, &["config", "--global", "user.name"]), "Mira Lindqvist\n");
}
