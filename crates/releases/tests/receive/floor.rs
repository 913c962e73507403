//! A3 and A4: nothing older passes for new, whatever happens to what was kept.

use std::{fs, path::Path};

use firstlight_releases::receive::{ReceiveError, Trust};
use firstlight_testkit::releases::Repository;

use crate::machine::{DEVICE, Machine, now, repository};

/// A repository that was published five times, a copy of how it was at the third, and a machine that saw the fifth.
async fn seen() -> (Repository, std::collections::BTreeMap<String, Vec<u8>>, Machine) {
    let mut repository = repository();
    repository.publish();
    repository.publish();
    let third = repository.site.copy();
    repository.publish();
    repository.publish();
    let machine = Machine::at(&repository).await;
    (repository, third, machine)
}

/// A way to lose a file, and its name.
type Damage = (&'static str, fn(&Path));

fn is_replay(error: &ReceiveError) -> bool {
    matches!(error, ReceiveError::Replayed { .. })
}

#[tokio::test]
async fn a3_what_was_seen_is_remembered_over_a_restart() {
    let (repository, third, machine) = seen().await;
    repository.site.restore(third);
    let error = machine.refused(now()).await;
    assert!(
        matches!(&error, ReceiveError::Replayed { what, seen: 5, offered: 3 } if what == "timestamp"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a3_each_file_that_is_kept_may_be_damaged() {
    let damages: [Damage; 4] = [
        ("gone", |path| fs::remove_file(path).unwrap()),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("garbage", |path| fs::write(path, [0xff; 300]).unwrap()),
        ("cut", |path| {
            let content = fs::read(path).unwrap();
            fs::write(path, &content[..content.len() / 2]).unwrap();
        }),
    ];
    let (repository, third, machine) = seen().await;
    let fifth = repository.site.copy();
    let mut kept: Vec<String> = files(&machine.trust(), "");
    kept.retain(|name| name != "given.root");
    assert!(kept.len() >= 7, "{kept:?}");
    for name in kept {
        for (how, damage) in damages {
            damage(&machine.trust().join(&name));
            repository.site.restore(third.clone());
            let error = machine.refused(now()).await;
            assert!(is_replay(&error), "{name} {how}: {error:?}");
            // What was refused has not been kept either.
            let again = machine.refused(now()).await;
            assert!(is_replay(&again), "{name} {how}, once more: {again:?}");
            repository.site.restore(fifth.clone());
            assert_eq!(machine.update(now()).await.unwrap(), None, "{name} {how}: and it goes on");
        }
    }
}

#[tokio::test]
async fn a3_all_cached_metadata_may_be_lost_at_once() {
    let (repository, third, machine) = seen().await;
    for name in files(&machine.trust(), "") {
        if is_metadata(&name) {
            fs::remove_file(machine.trust().join(name)).unwrap();
        }
    }
    repository.site.restore(third);
    assert!(is_replay(&machine.refused(now()).await));
}

#[tokio::test]
async fn a3_both_copies_of_the_floor_lost_is_said_and_the_pack_goes_on() {
    let (repository, third, machine) = seen().await;
    let fifth = repository.site.copy();
    for name in ["floor", "floor.copy"] {
        fs::write(machine.trust().join(name), "0\n{}").unwrap();
    }
    repository.site.restore(third);
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::FloorDamaged { .. }), "{error:?}");
    // Enrolling again begins anew, but for the release: the pack in use says how far that was.
    repository.site.restore(fifth);
    machine.enrol(&repository, Trust::Root(repository.first_root())).await.unwrap();
    assert_eq!(machine.update(now()).await.unwrap(), None);
    let mut repository = repository;
    repository.versions.values_mut().for_each(|version| *version += 10);
    repository.rollout["releases"] = serde_json::json!([]);
    repository.release("0.9.0", &[("pack.yaml", "name: acme\nversion: 0.9.0\n")]);
    repository.publish();
    assert!(matches!(machine.refused(now()).await, ReceiveError::Downgrade { .. }));
}

#[tokio::test]
async fn a3_an_older_copy_of_everything_that_is_kept_still_says_what_it_saw() {
    let (repository, third, machine) = seen().await;
    // Only the cached metadata is put back, as a restored backup of a cache would.
    let older = Machine::new();
    let fifth = repository.site.copy();
    repository.site.restore(third.clone());
    older.enrol(&repository, Trust::Root(repository.first_root())).await.unwrap();
    older.update(now()).await.unwrap().unwrap();
    for name in files(&older.trust(), "").iter().filter(|name| is_metadata(name)) {
        let content = fs::read(older.trust().join(name)).unwrap();
        // The address is the same, so the folder is, too.
        fs::write(machine.trust().join(name), content).unwrap();
    }
    let error = machine.refused(now()).await;
    assert!(is_replay(&error), "{error:?}");
    repository.site.restore(fifth);
    assert_eq!(machine.update(now()).await.unwrap(), None);
}

#[tokio::test]
async fn a3_after_a_rotation_of_keys_older_is_still_older() {
    let (mut repository, _, machine) = seen().await;
    repository.rotate("timestamp", &["timestamp-new"]);
    repository.publish_root();
    repository.publish_role("timestamp");
    let sixth = repository.site.copy();
    repository.publish_role("timestamp");
    repository.publish_role("timestamp");
    assert_eq!(machine.update(now()).await.unwrap(), None);
    for lost in [None, Some("timestamp.json"), Some("root_history/2.root.json"), Some("floor")] {
        if let Some(lost) = lost {
            fs::remove_file(machine.trust().join(lost)).unwrap();
        }
        repository.site.restore(sixth.clone());
        let error = machine.refused(now()).await;
        assert!(
            matches!(error, ReceiveError::Replayed { seen: 8, offered: 6, .. }),
            "{lost:?} lost: {error:?}"
        );
    }
}

#[tokio::test]
async fn a3_what_was_signed_with_keys_that_were_replaced_is_not_taken_back() {
    let (mut repository, _, machine) = seen().await;
    let fifth = repository.site.copy();
    repository.rotate("timestamp", &["timestamp-new"]);
    repository.publish_root();
    repository.publish_role("timestamp");
    assert_eq!(machine.update(now()).await.unwrap(), None);
    for lost in
        [None, Some("root_history/2.root.json"), Some("root.json"), Some("timestamp.json"), Some("floor")]
    {
        if let Some(lost) = lost {
            fs::remove_file(machine.trust().join(lost)).unwrap();
        }
        // As if the root that replaced the keys had never been.
        repository.site.restore(fifth.clone());
        let error = machine.refused(now()).await;
        assert!(
            matches!(error, ReceiveError::Replayed { .. } | ReceiveError::WrongKey { .. }),
            "{lost:?} lost: {error:?}"
        );
    }
}

#[tokio::test]
async fn a3_whoever_replaces_all_keys_of_a_role_may_begin_its_versions_anew() {
    let (mut repository, _, machine) = seen().await;
    // A thief made the highest version there is; the keys are replaced, as the specification wants.
    repository.versions.insert("timestamp".to_owned(), 1_000_000);
    repository.publish_role("timestamp");
    assert_eq!(machine.update(now()).await.unwrap(), None);
    repository.rotate("timestamp", &["timestamp-new"]);
    repository.publish_root();
    repository.versions.insert("timestamp".to_owned(), 0);
    repository.publish_role("timestamp");
    assert_eq!(machine.update(now()).await.unwrap(), None);
}

#[tokio::test]
async fn a3_an_older_or_newer_root_that_is_shipped_changes_nothing_of_it() {
    let (mut repository, _, machine) = seen().await;
    let first = repository.first_root();
    repository.publish_root();
    let older = repository.site.copy();
    repository.publish();
    repository.publish_root();
    let third_root = repository.site.get("metadata/3.root.json");
    assert_eq!(machine.update(now()).await.unwrap(), None);
    let latest = repository.site.copy();
    for shipped in [first, third_root] {
        repository.site.restore(latest.clone());
        machine.enrol(&repository, Trust::Root(shipped.clone())).await.unwrap();
        repository.site.restore(older.clone());
        let error = machine.refused(now()).await;
        assert!(is_replay(&error), "{error:?}");
        let error = machine.enrol(&repository, Trust::Root(shipped)).await.unwrap_err();
        assert!(is_replay(&error), "enrolling again does not forget: {error:?}");
    }
}

#[tokio::test]
async fn a3_a_release_never_goes_back_whatever_was_signed() {
    let mut repository = repository();
    repository.release("2.0.0", &[("pack.yaml", "name: acme\nversion: 2.0.0\n")]);
    repository.publish();
    let machine = Machine::at(&repository).await;
    assert_eq!(machine.version(), "2.0.0");
    // Signed by all who may: still an older release.
    repository.rollout["releases"].as_array_mut().unwrap().retain(|release| release["version"] == "1.0.0");
    repository.publish();
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::Downgrade { .. }), "{error:?}");
    assert_eq!(error.to_string(), "release 1.0.0 is offered, older than 2.0.0, which this machine has");
    let error = machine.take("1.0.0").await.unwrap_err();
    assert!(matches!(error, ReceiveError::Downgrade { .. }), "{error:?}");
    // Not even with all keys replaced, and the pack in use lost.
    for role in ["timestamp", "snapshot"] {
        repository.rotate(role, &["new"]);
    }
    repository.publish_root();
    repository.publish();
    fs::remove_file(machine.root().join("current.json")).unwrap();
    let error = machine.update(now()).await.unwrap_err();
    assert!(matches!(error, ReceiveError::Downgrade { .. }), "{error:?}");
}

#[tokio::test]
async fn a3_a_release_that_was_changed_after_it_was_published_is_refused() {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    repository.release("1.0.0", &[("pack.yaml", "name: acme\nversion: 1.0.0\n# changed\n")]);
    repository.publish();
    fs::remove_file(machine.root().join("current.json")).unwrap();
    let error = machine.update(now()).await.unwrap_err();
    assert!(matches!(error, ReceiveError::Changed { .. }), "{error:?}");
}

#[tokio::test]
async fn a4_a_floor_that_cannot_be_written_is_an_error() {
    // A folder that is not empty cannot be replaced by a file, by nobody.
    for name in ["floor", "floor.copy", "timestamp.json", "snapshot.json", "targets.json"] {
        let mut repository = repository();
        let machine = Machine::at(&repository).await;
        let path = machine.trust().join(name);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("in the way"), "").unwrap();
        repository.release("2.0.0", &[("pack.yaml", "name: acme\nversion: 2.0.0\n")]);
        repository.publish();
        let error = machine.refused(now()).await;
        assert!(matches!(error, ReceiveError::FloorNotWritten { .. }), "{name}: {error:?}");
        fs::remove_dir_all(&path).unwrap();
        assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"), "{name}");
    }
}

#[tokio::test]
async fn a4_a_check_that_cannot_write_what_it_saw_is_an_error_even_if_nothing_is_taken() {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    let path = machine.trust().join("floor");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("in the way"), "").unwrap();
    repository.publish();
    let error = machine.check(DEVICE, now()).await.unwrap_err();
    assert!(matches!(error, ReceiveError::FloorNotWritten { .. }), "{error:?}");
}

fn is_metadata(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "json")
}

/// Names of all files below a folder.
fn files(folder: &Path, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            names.extend(files(&entry.path(), &format!("{name}/")));
        } else {
            names.push(name);
        }
    }
    names
}
