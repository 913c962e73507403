use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use serde_json::json;

use crate::{Machine, blocked, satisfied};

#[tokio::test]
async fn a_pair_is_made_once_and_kept() {
    let machine = Machine::new();
    let operation = machine.operation("ssh/key", json!({ "type": "ed25519", "comment": "-mira@acme.test" }));
    let outputs = machine.bring_about(&*operation).await;
    let private = machine.home().join(".ssh/id_ed25519");
    assert_eq!(outputs["path"], private.display().to_string());
    assert!(outputs["public_key"].starts_with("ssh-ed25519 AAAA"), "{outputs:?}");
    assert!(outputs["public_key"].ends_with(" -mira@acme.test"), "{outputs:?}");
    assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(private.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(operation.can_undo());
    // The public half can be told from the private one.
    fs::remove_file(machine.home().join(".ssh/id_ed25519.pub")).unwrap();
    let again = satisfied(&*operation, &machine.context()).await;
    let key = |text: &str| text.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(key(&again["public_key"]), key(&outputs["public_key"]));
}

#[tokio::test]
async fn undo_removes_the_pair_that_was_made_and_no_other() {
    let machine = Machine::new();
    let before = machine.snapshot();
    let operation = machine.operation("ssh/key", json!({}));
    machine.bring_about(&*operation).await;
    machine.undo_all(&*operation).await.unwrap();
    assert_eq!(machine.snapshot(), before);
    machine.undo_all(&*operation).await.unwrap();
    // One that was replaced since is somebody's.
    machine.bring_about(&*operation).await;
    fs::write(machine.home().join(".ssh/id_ed25519"), "another").unwrap();
    let there = machine.snapshot();
    assert!(machine.undo(&*operation).await.unwrap_err().cause.contains("changed since"));
    assert_eq!(machine.snapshot(), there);
}

#[tokio::test]
async fn what_a_cut_off_run_left_goes_with_the_undo() {
    let machine = Machine::new();
    let before = machine.snapshot();
    let operation = machine.operation("ssh/key", json!({}));
    machine.bring_about(&*operation).await;
    // Killed after the pair was made and before it had its name.
    let ssh = machine.home().join(".ssh");
    for half in ["id_ed25519", "id_ed25519.pub"] {
        let made = half.replacen("id_ed25519", ".id_ed25519.firstlight-new", 1);
        fs::rename(ssh.join(half), ssh.join(made)).unwrap();
    }
    machine.undo_all(&*operation).await.unwrap();
    assert_eq!(machine.snapshot(), before);
}

#[tokio::test]
async fn nothing_is_ever_overwritten() {
    let machine = Machine::new();
    let path = machine.home().join("keys/mine");
    fs::create_dir(path.parent().unwrap()).unwrap();
    let operation = machine.operation("ssh/key", json!({ "path": "~/keys/mine" }));
    fs::write(path.with_extension("pub"), "ssh-ed25519 AAAA theirs\n").unwrap();
    assert!(blocked(&*operation, &machine.context()).await.contains("without its private key"));
    let before = machine.snapshot();
    assert!(operation.apply(&machine.context()).await.is_err());
    fs::remove_file(path.with_extension("pub")).unwrap();
    std::os::unix::fs::symlink("elsewhere", &path).unwrap();
    blocked(&*operation, &machine.context()).await;
    assert!(operation.apply(&machine.context()).await.is_err());
    assert_eq!(machine.snapshot().len(), before.len(), "a link to nowhere is not filled");
}

#[tokio::test]
async fn a_key_with_a_passphrase_is_not_asked_about() {
    let machine = Machine::new();
    let path = machine.home().join("mine");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "long enough", "-f"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    let operation = machine.operation("ssh/key", json!({ "path": "~/mine" }));
    satisfied(&*operation, &machine.context()).await;
    fs::remove_file(path.with_extension("pub")).unwrap();
    blocked(&*operation, &machine.context()).await;
    let before = machine.snapshot();
    operation.apply(&machine.context()).await.unwrap();
    assert_eq!(machine.snapshot(), before, "not overwritten");
}
