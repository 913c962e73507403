use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use firstlight_domain::id::CredentialName;
use firstlight_engine::provider::Check;
use serde_json::json;

use crate::{Machine, blocked};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn e6_a_new_file_comes_and_goes_with_its_folders() {
    let machine = Machine::new();
    let before = machine.snapshot();
    let operation =
        machine.operation("file", json!({ "path": "~/a/b/c.txt", "content": "one\n", "mode": "0640" }));
    let Check::Needed { files, .. } = operation.check(&machine.context()).await.unwrap() else { panic!() };
    let path = machine.home().join("a/b/c.txt");
    assert_eq!(
        files[0].diff,
        format!("new mode 0640\n--- /dev/null\n+++ {}\n@@ -0,0 +1 @@\n+one\n", path.display())
    );
    let outputs = machine.bring_about(&*operation).await;
    assert_eq!(outputs["path"], path.display().to_string());
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
    assert_eq!(mode(&path), 0o640);
    machine.undo(&*operation).await.unwrap();
    assert_eq!(machine.snapshot(), before);
    machine.undo(&*operation).await.unwrap();
}

#[tokio::test]
async fn e6_what_was_there_comes_back_with_its_mode() {
    let machine = Machine::new();
    let path = machine.home().join("settings");
    for previous in [b"old\n".to_vec(), vec![0, 255, 7], Vec::new(), vec![b'x'; 300 * 1024]] {
        fs::write(&path, &previous).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        let operation = machine.operation("file", json!({ "path": "~/settings", "content": "new\n" }));
        machine.bring_about(&*operation).await;
        assert_eq!(mode(&path), 0o604, "without `mode` it stays");
        machine.undo(&*operation).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), previous);
        assert_eq!(mode(&path), 0o604);
        machine.undo(&*operation).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), previous, "undone twice is undone");
        assert_eq!(fs::read_dir(machine.home()).unwrap().count(), 1, "nothing is left beside it");
    }
}

#[tokio::test]
async fn only_the_mode_differs() {
    let machine = Machine::new();
    let path = machine.home().join("script");
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let operation = machine.operation("file", json!({ "path": "~/script", "content": "x", "mode": "755" }));
    machine.bring_about(&*operation).await;
    assert_eq!(mode(&path), 0o755);
    machine.undo(&*operation).await.unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn what_was_changed_since_is_left_alone() {
    let machine = Machine::new();
    let path = machine.home().join("notes");
    let operation = machine.operation("file", json!({ "path": "~/notes", "content": "ours\n" }));
    machine.bring_about(&*operation).await;
    fs::write(&path, "theirs\n").unwrap();
    let failure = machine.undo(&*operation).await.unwrap_err();
    assert!(failure.cause.contains("changed since"), "{failure}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "theirs\n");
}

#[tokio::test]
async fn c5_a_stored_secret_in_the_old_file_stays_out_of_the_receipt() {
    let machine = Machine::new();
    machine.host.put_secret(&CredentialName::new("token").unwrap(), "correct-horse-battery");
    let path = machine.home().join(".npmrc");
    fs::write(&path, "token=correct-horse-battery\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let operation = machine.operation("file", json!({ "path": "~/.npmrc", "content": "registry=x\n" }));
    machine.bring_about(&*operation).await;
    assert!(!machine.receipt().to_string().contains("correct-horse"), "{}", machine.receipt());
    machine.undo(&*operation).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "token=correct-horse-battery\n");
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn e6_links_are_not_written_through() {
    let machine = Machine::new();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("target");
    fs::write(&target, "theirs\n").unwrap();
    std::os::unix::fs::symlink(&target, machine.home().join("link")).unwrap();
    std::os::unix::fs::symlink(outside.path(), machine.home().join("folder")).unwrap();
    for path in ["~/link", "~/folder/target", "~/folder/new", "~/folder/deep/new"] {
        let operation = machine.operation("file", json!({ "path": path, "content": "ours\n" }));
        blocked(&*operation, &machine.context()).await;
        assert!(operation.apply(&machine.context()).await.is_err(), "{path}");
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "theirs\n");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(machine.receipts(), 0);
}

#[tokio::test]
async fn e6_a_leftover_of_a_killed_run_is_replaced_and_never_followed() {
    let machine = Machine::new();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("target");
    fs::write(&target, "theirs\n").unwrap();
    std::os::unix::fs::symlink(&target, machine.home().join(".a.firstlight-new")).unwrap();
    let operation = machine.operation("file", json!({ "path": "~/a", "content": "ours\n" }));
    machine.bring_about(&*operation).await;
    assert_eq!(fs::read_to_string(&target).unwrap(), "theirs\n");
    assert_eq!(fs::read_dir(machine.home()).unwrap().count(), 1);
}

#[test]
fn e6_a_reader_sees_the_old_file_or_the_new_one() {
    let machine = Machine::new();
    let path = machine.home().join("big");
    let contents = ["a".repeat(200_000), "b".repeat(200_000)];
    fs::write(&path, &contents[0]).unwrap();
    let writing = std::sync::Mutex::new(());
    std::thread::scope(|scope| {
        // Held until the writer is done, also when it panics.
        let held = writing.lock().unwrap();
        let reading = scope.spawn(|| {
            let mut reads = 0;
            while matches!(writing.try_lock(), Err(std::sync::TryLockError::WouldBlock)) {
                let seen = fs::read_to_string(&path).unwrap();
                assert!(contents.contains(&seen), "half of each: {} bytes", seen.len());
                reads += 1;
            }
            reads
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for round in 0..40 {
                let with = json!({ "path": "~/big", "content": contents[(round + 1) % 2] });
                machine.operation("file", with).apply(&machine.context()).await.unwrap();
            }
        });
        drop(held);
        assert!(reading.join().unwrap() > 0);
    });
}

#[tokio::test]
async fn a_source_comes_from_the_pack_and_from_nowhere_else() {
    let machine = Machine::new();
    fs::create_dir(machine.pack.path().join("data")).unwrap();
    fs::write(machine.pack.path().join("data/a.csv"), [1, 2, 0]).unwrap();
    let operation = machine.operation("file", json!({ "path": "~/a.csv", "source": "data/a.csv" }));
    machine.bring_about(&*operation).await;
    assert_eq!(fs::read(machine.home().join("a.csv")).unwrap(), [1, 2, 0]);
    std::os::unix::fs::symlink("/etc/passwd", machine.pack.path().join("data/passwd")).unwrap();
    for source in ["data/passwd", "data/none", "data"] {
        let operation = machine.operation("file", json!({ "path": "~/x", "source": source }));
        assert!(operation.check(&machine.context()).await.is_err(), "{source}");
        assert!(operation.apply(&machine.context()).await.is_err(), "{source}");
    }
    assert!(machine.prepare("file", json!({ "path": "~/x", "source": "../x" })).is_err());
}

#[tokio::test]
async fn a_folder_in_the_way_blocks() {
    let machine = Machine::new();
    fs::create_dir(machine.home().join("a")).unwrap();
    let operation = machine.operation("file", json!({ "path": "~/a", "content": "" }));
    assert!(blocked(&*operation, &machine.context()).await.contains("not a file"));
    let below = machine.operation("file", json!({ "path": "~/a/b", "content": "" }));
    machine.bring_about(&*below).await;
    let below_file = machine.operation("file", json!({ "path": "~/a/b/c", "content": "" }));
    assert!(below_file.apply(&machine.context()).await.is_err());
}

#[tokio::test]
async fn e6_folders_that_a_cut_off_run_made_half_go_with_the_undo() {
    let machine = Machine::new();
    let before = machine.snapshot();
    let operation = machine.operation("file", json!({ "path": "~/new/deep/file", "content": "x" }));
    machine.bring_about(&*operation).await;
    // As if the run had been cut off after the outermost folder, and gone on later.
    fs::remove_dir_all(machine.home().join("new/deep")).unwrap();
    operation.apply(&machine.context()).await.unwrap();
    assert_eq!(machine.receipts(), 2);
    machine.undo_all(&*operation).await.unwrap();
    assert_eq!(machine.snapshot(), before);
}
