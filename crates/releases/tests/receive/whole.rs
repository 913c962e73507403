//! A7: each file its own target, none outside of the pack, and the pack in use whole at every moment.

use std::fs;

use firstlight_releases::receive::{ReceiveError, accepted};
use firstlight_testkit::releases::{Repository, consistent, target};

use crate::machine::{Machine, now, repository};

/// A release 2.0.0 that also lists a file under this path, signed by both.
async fn with_file(path: &str) -> (Repository, Machine) {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    repository.release("2.0.0", &[("pack.yaml", "name: acme\nversion: 2.0.0\n"), ("docs/a.md", "A")]);
    let target_path = format!("acme/2.0.0/{path}");
    repository.more.insert(target_path.clone(), target(b"evil"));
    repository.site.put(&format!("targets/{}", consistent(&target_path, b"evil")), "evil");
    repository.publish();
    (repository, machine)
}

#[tokio::test]
async fn a7_no_path_leaves_the_pack() {
    for path in [
        "../../../evil",
        "docs/../../evil",
        "./evil",
        "/etc/evil",
        "docs//evil",
        "docs/",
        "C:\\evil",
        "docs\\evil",
        "evil:stream",
        "evil\n",
        "NUL.txt",
        "docs/com1",
        "evil.",
        "evil ",
        "what?",
    ] {
        let (_repository, machine) = with_file(path).await;
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::UnsafePath { .. }), "{path:?}: {error:?}");
    }
}

#[tokio::test]
async fn a7_no_two_files_in_one_place() {
    for path in ["PACK.yaml", "Docs/A.md", "docs", "pack.yaml/x"] {
        let (_repository, machine) = with_file(path).await;
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::UnsafePath { .. }), "{path:?}: {error:?}");
    }
}

#[tokio::test]
async fn a7_no_deeper_than_who_may_sign_is_said_for() {
    let deepest = "1/2/3/4/5/6/7/x.md";
    let (_repository, machine) = with_file(deepest).await;
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
    let (_repository, machine) = with_file("1/2/3/4/5/6/7/8/x.md").await;
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::UnsafePath { .. }), "{error:?}");
}

#[tokio::test]
async fn a7_what_is_received_are_plain_files_in_a_folder() {
    let (_repository, machine) = with_file("docs/deep/er.md").await;
    machine.update(now()).await.unwrap();
    let pack = machine.pack();
    let names: Vec<&str> = pack.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["docs/a.md", "docs/deep/er.md", "pack.yaml", "version"]);
    let folder = accepted(&machine.root()).unwrap().folder;
    assert!(fs::symlink_metadata(folder.join("docs/deep/er.md")).unwrap().is_file());
}

#[cfg(unix)]
#[tokio::test]
async fn a7_a_link_in_the_pack_in_use_is_not_followed_when_it_is_reused() {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    let folder = accepted(&machine.root()).unwrap().folder;
    let outside = machine.root().join("outside");
    fs::rename(folder.join("docs/a.md"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, folder.join("docs/a.md")).unwrap();
    repository.release("2.0.0", &[("pack.yaml", "version: 2.0.0\n"), ("docs/a.md", "# A\n")]);
    repository.publish();
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
    let folder = accepted(&machine.root()).unwrap().folder;
    assert!(fs::symlink_metadata(folder.join("docs/a.md")).unwrap().is_file());
}

#[tokio::test]
async fn a7_the_pack_in_use_stays_until_the_next_is_whole_and_durable() {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    let before = machine.pack();
    repository.release("2.0.0", &[("pack.yaml", "version: 2.0.0\n")]);
    repository.publish();
    // Where the next one would be built stands something that cannot be replaced by a folder of ours.
    let in_use = accepted(&machine.root()).unwrap().folder;
    let packs = in_use.parent().unwrap().to_owned();
    let aside = machine.root().join("aside");
    fs::rename(&packs, &aside).unwrap();
    fs::write(&packs, "a file where the folder of packs was").unwrap();
    let error = machine.update(now()).await.unwrap_err();
    assert!(matches!(error, ReceiveError::NotWritable { .. }), "{error:?}");
    fs::remove_file(&packs).unwrap();
    fs::rename(&aside, &packs).unwrap();
    assert_eq!(machine.pack(), before);
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
}

#[tokio::test]
async fn a7_the_pack_before_stays_for_whoever_is_at_work_with_it_and_older_ones_go() {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    let mut folders = vec![accepted(&machine.root()).unwrap().folder];
    for version in ["2.0.0", "3.0.0"] {
        repository.release(version, &[("pack.yaml", &format!("version: {version}\n"))]);
        repository.publish();
        machine.update(now()).await.unwrap();
        folders.push(accepted(&machine.root()).unwrap().folder);
    }
    let there: Vec<bool> = folders.iter().map(|folder| folder.exists()).collect();
    assert_eq!(there, [false, true, true]);
}

#[tokio::test]
async fn a7_a_pack_in_use_that_is_lost_is_received_again() {
    let repository = repository();
    let machine = Machine::at(&repository).await;
    let before = machine.pack();
    for lost in ["current.json", "packs"] {
        let path = machine.root().join(lost);
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::write(&path, "garbage") }.unwrap();
        assert!(machine.pack().is_empty());
        assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("1.0.0"), "{lost}");
        assert_eq!(machine.pack(), before, "{lost}");
    }
}
