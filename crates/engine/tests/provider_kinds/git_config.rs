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
async fn the_file_comes_back_byte_for_byte_if_nothing_else_changed() {
    let machine = Machine::new();
    let untouched = machine.snapshot();
    let set = |key: &str, value: &str| machine.operation("git/config", json!({ "key": key, "value": value }));
    let name = set("user.name", "Mira");
    machine.bring_about(&*name).await;
    machine.undo_all(&*name).await.unwrap();
    assert_eq!(machine.snapshot(), untouched, "a file that was made is gone");
    let config = machine.home().join(".gitconfig");
    let mine = "[user]\n  name = Ada   ; as on the badge\n\n[pull]\n\trebase=true\n[pull]\n";
    fs::write(&config, mine).unwrap();
    for (key, value) in [("user.name", "Mira"), ("pull.rebase", "false"), ("init.defaultBranch", "main")] {
        let operation = set(key, value);
        machine.bring_about(&*operation).await;
        machine.undo(&*operation).await.unwrap();
        assert_eq!(fs::read_to_string(&config).unwrap(), mine, "{key}");
    }
    // Somebody else changed another setting: only ours is taken back.
    let operation = set("user.name", "Mira");
    machine.bring_about(&*operation).await;
    git(&machine, &["config", "--global", "core.editor", "vim"]);
    machine.undo(&*operation).await.unwrap();
    assert_eq!(git(&machine, &["config", "--global", "user.name"]), "Ada\n");
    assert_eq!(git(&machine, &["config", "--global", "core.editor"]), "vim\n");
}

#[tokio::test]
async fn a_lock_left_by_a_killed_git_is_not_in_the_way_and_a_link_is_followed_at_home() {
    let machine = Machine::new();
    let home = machine.home();
    fs::create_dir(home.join("dotfiles")).unwrap();
    fs::write(home.join("dotfiles/gitconfig"), "[a]\n\tb = c\n").unwrap();
    std::os::unix::fs::symlink("dotfiles/gitconfig", home.join(".gitconfig")).unwrap();
    fs::write(home.join(".gitconfig.lock"), "").unwrap();
    let operation = machine.operation("git/config", json!({ "key": "user.name", "value": "Mira" }));
    machine.bring_about(&*operation).await;
    assert!(home.join(".gitconfig").is_symlink());
    assert!(fs::read_to_string(home.join("dotfiles/gitconfig")).unwrap().contains("name = Mira"));
    machine.undo(&*operation).await.unwrap();
    assert_eq!(fs::read_to_string(home.join("dotfiles/gitconfig")).unwrap(), "[a]\n\tb = c\n");
    // Out of the home folder it is not.
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::remove_file(home.join(".gitconfig")).unwrap();
    std::os::unix::fs::symlink(outside.path(), home.join(".gitconfig")).unwrap();
    assert!(operation.apply(&machine.context()).await.is_err());
    assert_eq!(fs::read(outside.path()).unwrap(), b"");
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
