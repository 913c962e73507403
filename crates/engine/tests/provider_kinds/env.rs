use std::{fs, process::Command};

use serde_json::json;

use crate::{Machine, blocked};

/// What a new login shell of this person has in a variable.
fn in_login_shell(machine: &Machine, shell: &str, variable: &str) -> String {
    let run = Command::new(shell)
        .args(["-l", "-c", &format!("printenv {variable}")])
        .env_clear()
        .env("HOME", machine.home())
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    String::from_utf8(run.stdout).unwrap()
}

#[tokio::test]
async fn a_new_shell_has_it_and_undo_leaves_no_trace() {
    let machine = Machine::new();
    let profile = machine.home().join(".profile");
    for previous in [None, Some("umask 022"), Some("# mine\nexport EDITOR=nano\n")] {
        match previous {
            Some(text) => fs::write(&profile, text).unwrap(),
            None => assert!(!profile.exists()),
        }
        let before = machine.snapshot();
        let editor = machine.operation("env", json!({ "name": "EDITOR", "value": "it's $HOME; `id`" }));
        machine.bring_about(&*editor).await;
        let first = machine.receipt();
        let path = machine.operation("env", json!({ "path-prepend": "~/my bin" }));
        machine.bring_about(&*path).await;
        let second = machine.receipt();
        assert_eq!(in_login_shell(&machine, "bash", "EDITOR"), "it's $HOME; `id`\n");
        let search = in_login_shell(&machine, "bash", "PATH");
        assert!(search.starts_with(&format!("{}/my bin:", machine.home().display())), "{search}");
        // In the order in which they came: the block stays until its last line goes.
        editor.undo(&machine.context(), &first).await.unwrap();
        path.undo(&machine.context(), &second).await.unwrap();
        assert_eq!(machine.snapshot(), before);
        let _ = fs::remove_file(&profile);
    }
}

#[tokio::test]
async fn a_changed_value_goes_back_to_the_one_before() {
    let machine = Machine::new();
    let one = machine.operation("env", json!({ "name": "STAGE", "value": "one" }));
    machine.bring_about(&*one).await;
    let before = machine.snapshot();
    let two = machine.operation("env", json!({ "name": "STAGE", "value": "two" }));
    machine.bring_about(&*two).await;
    assert_eq!(in_login_shell(&machine, "sh", "STAGE"), "two\n");
    machine.undo(&*two).await.unwrap();
    assert_eq!(machine.snapshot(), before);
}

#[tokio::test]
async fn e6_what_a_killed_run_left_goes_with_undo() {
    let machine = Machine::new();
    let before = machine.snapshot();
    let operation = machine.operation("env", json!({ "name": "EDITOR", "value": "vim" }));
    machine.bring_about(&*operation).await;
    // As after a kill between the receipt and the renaming.
    fs::rename(machine.home().join(".profile"), machine.home().join("..profile.firstlight-new")).unwrap();
    machine.undo(&*operation).await.unwrap();
    assert_eq!(machine.snapshot(), before);
}

#[tokio::test]
async fn the_file_is_the_one_the_shell_reads() {
    for (shell, existing, expected) in [
        ("bash", None, ".profile"),
        ("bash", Some(".bash_profile"), ".bash_profile"),
        ("zsh", Some(".bash_profile"), ".zshenv"),
        ("fish", None, ".config/fish/conf.d/firstlight.fish"),
        ("nu", None, ".profile"),
    ] {
        let mut machine = Machine::new();
        machine.facts.shell = shell.into();
        if let Some(name) = existing {
            fs::write(machine.home().join(name), "").unwrap();
        }
        let operation = machine.operation("env", json!({ "name": "A", "value": "b" }));
        machine.bring_about(&*operation).await;
        assert!(fs::read_to_string(machine.home().join(expected)).unwrap().contains("'b'"), "{shell}");
    }
}

#[tokio::test]
async fn e6_a_profile_that_is_a_link_or_not_text_is_left_alone() {
    let machine = Machine::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("profile"), "x").unwrap();
    std::os::unix::fs::symlink(outside.path().join("profile"), machine.home().join(".profile")).unwrap();
    let operation = machine.operation("env", json!({ "name": "A", "value": "b" }));
    assert!(blocked(&*operation, &machine.context()).await.contains("symbolic link"));
    assert!(operation.apply(&machine.context()).await.is_err());
    assert_eq!(fs::read_to_string(outside.path().join("profile")).unwrap(), "x");
    fs::remove_file(machine.home().join(".profile")).unwrap();
    fs::write(machine.home().join(".profile"), [0xff, 0xfe]).unwrap();
    assert!(operation.apply(&machine.context()).await.is_err());
    assert_eq!(fs::read(machine.home().join(".profile")).unwrap(), [0xff, 0xfe]);
}
