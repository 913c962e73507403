//! With the real Dev Container CLI and a real podman, where both are there; each test says so where they are not.

use std::{fs, os::unix::fs::symlink, process::Command};

use firstlight_engine::provider::Check;
use serde_json::{Value, json};

use crate::{
    Machine, blocked,
    podman::{Podman, which},
    satisfied,
};

/// A podman with an image that has a shell, which is all the CLI needs.
fn podman() -> Option<Podman> {
    let podman = Podman::new(&["devcontainer", "busybox"])?;
    let folder = podman.folder().join("image");
    let bin = folder.join("root/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(folder.join("root/etc")).unwrap();
    fs::create_dir_all(folder.join("root/tmp")).unwrap();
    fs::create_dir_all(folder.join("root/root")).unwrap();
    fs::copy(which("busybox").unwrap(), bin.join("busybox")).unwrap();
    let listed = Command::new("busybox").arg("--list").output().unwrap();
    for name in String::from_utf8(listed.stdout).unwrap().lines().filter(|name| *name != "busybox") {
        symlink("busybox", bin.join(name)).unwrap();
    }
    fs::write(folder.join("root/etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    fs::write(folder.join("root/etc/group"), "root:x:0:\n").unwrap();
    fs::write(folder.join("root/etc/os-release"), "ID=none\n").unwrap();
    podman.image("dev", &folder, "COPY root /\nENV PATH=/bin\n", "true")
}

/// A project with a `devcontainer.json` of these fields besides.
fn project(machine: &Machine, more: &Value) {
    let folder = machine.home().join("src/shop/.devcontainer");
    fs::create_dir_all(&folder).unwrap();
    let mut file =
        json!({ "image": "localhost/dev", "runArgs": ["--network=host"], "updateRemoteUserUID": false });
    file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    fs::write(folder.join("devcontainer.json"), file.to_string()).unwrap();
}

fn with(podman: &Podman) -> Value {
    json!({ "folder": "~/src/shop", "engine": "podman", "env": podman.env })
}

#[tokio::test]
async fn the_container_is_made_seen_and_removed_again() {
    let Some(podman) = podman() else { return };
    let machine = Machine::new();
    project(&machine, &json!({ "postCreateCommand": "echo made by the project" }));
    let operation = machine.operation("devcontainer", with(&podman));
    let outputs = machine.bring_about(&*operation).await;
    assert_eq!(outputs["folder"], "/workspaces/shop");
    assert_eq!(podman.lines(&["ps", "--no-trunc", "--quiet"]), [outputs["container"].clone()]);
    let named = machine.operation("devcontainer", {
        let mut with = with(&podman);
        with["config"] = json!(".devcontainer/devcontainer.json");
        with
    });
    assert_eq!(satisfied(&*named, &machine.context()).await, outputs, "by the file's name it is the same");
    machine.undo(&*operation).await.unwrap();
    assert_eq!(podman.names(), [""; 0]);
    assert!(machine.home().join("src/shop/.devcontainer/devcontainer.json").is_file());
}

#[tokio::test]
async fn e6_a_container_the_person_had_is_stopped_and_one_they_made_anew_is_left() {
    let Some(podman) = podman() else { return };
    let machine = Machine::new();
    project(&machine, &json!({}));
    let operation = machine.operation("devcontainer", with(&podman));
    operation.apply(&machine.context()).await.unwrap();
    let theirs = podman.names();
    podman.lines(&["stop", "--time=0", &theirs[0]]);
    // As if somebody else had made it: a step that knows nothing of it.
    let mut other = Machine::new();
    other.facts.home.clone_from(&machine.facts.home);
    let operation = other.operation("devcontainer", with(&podman));
    match operation.check(&other.context()).await.unwrap() {
        Check::Needed { what, .. } => assert!(what.starts_with("would start again"), "{what}"),
        unexpected => panic!("{unexpected:?}"),
    }
    operation.apply(&other.context()).await.unwrap();
    other.undo(&*operation).await.unwrap();
    assert_eq!(podman.names(), theirs, "it was there before");
    assert_eq!(podman.lines(&["ps", "--quiet"]), [""; 0], "and it did not run");

    // The first step made it; then the person made one anew.
    podman.lines(&["rm", "--force", &theirs[0]]);
    let operation = machine.operation("devcontainer", with(&podman));
    let anew = Machine::new();
    let again = {
        let mut anew = anew;
        anew.facts.home.clone_from(&machine.facts.home);
        anew.operation("devcontainer", with(&podman)).apply(&anew.context()).await.unwrap();
        podman.names()
    };
    machine.undo(&*operation).await.unwrap();
    assert_eq!(podman.names(), again);
}

#[tokio::test]
async fn what_the_cli_says_is_the_cause() {
    let Some(podman) = podman() else { return };
    let machine = Machine::new();
    project(&machine, &json!({ "postCreateCommand": "exit 7" }));
    let operation = machine.operation("devcontainer", with(&podman));
    let failure = operation.apply(&machine.context()).await.unwrap_err();
    assert!(failure.cause.contains("postCreateCommand"), "{failure}");
    machine.undo(&*operation).await.unwrap();
    assert_eq!(podman.names(), [""; 0], "what did not come up whole goes too");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let machine = Machine::new();
    let operation = machine.operation("devcontainer", json!({ "folder": "~/src/shop" }));
    assert!(operation.resolved().text.unwrap().contains("cannot be known beforehand"));
    if which("devcontainer").is_none() || (which("docker").is_none() && which("podman").is_none()) {
        let why = blocked(&*operation, &machine.context()).await;
        assert!(why.contains("installed"), "{why}");
        return;
    }
    let check = operation.check(&machine.context()).await.unwrap();
    assert!(matches!(check, Check::Unknown { .. }), "the folder may come with a step before: {check:?}");
    fs::create_dir_all(machine.home().join("src/shop")).unwrap();
    let why = blocked(&*operation, &machine.context()).await;
    assert!(why.ends_with("src/shop/.devcontainer/devcontainer.json"), "{why}");
    for bad in [json!({ "folder": "-x" }), json!({ "folder": "~/x", "config": "../devcontainer.json" })] {
        assert!(machine.prepare("devcontainer", bad).is_err());
    }
}
