//! E6: killed at any point, a file is the old one or the new one, and undo finds its way back.

use std::{
    fs,
    io::{BufRead, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use firstlight_domain::{
    event::Event,
    id::{CredentialName, StepId},
    plan::ConsentHash,
    state::{Failure, StepState},
};
use firstlight_engine::{
    host::{AcceptedSecret, Host, Live, Mask},
    testing::FakeHost,
};
use proptest::{collection::vec, prelude::*};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::Machine;

/// What a child writes, and where.
const CHILD: &str = "FIRSTLIGHT_TEST_WRITES";

/// A host whose receipts outlive it: each is on the disk before the change it describes.
struct Durable {
    host: Arc<FakeHost>,
    receipts: PathBuf,
}

#[async_trait]
impl Host for Durable {
    fn now(&self) -> jiff::Timestamp {
        self.host.now()
    }
    fn record(&self, events: Vec<Event>) -> Result<(), Failure> {
        let mut file = fs::File::options().create(true).append(true).open(&self.receipts).unwrap();
        for event in events {
            if let Event::ReceiptKept { receipt, .. } = event {
                file.write_all(format!("{receipt}\n").as_bytes()).unwrap();
            }
        }
        file.sync_all().unwrap();
        Ok(())
    }
    fn state(&self, step: &StepId) -> Option<StepState> {
        Host::state(&*self.host, step)
    }
    fn was_cut_off(&self, step: &StepId) -> bool {
        self.host.was_cut_off(step)
    }
    fn boot(&self) -> String {
        self.host.boot()
    }
    fn was_done(&self, step: &StepId, what: &ConsentHash) -> bool {
        self.host.was_done(step, what)
    }
    async fn secret(&self, name: &CredentialName) -> Result<Option<SecretString>, Failure> {
        Host::secret(&*self.host, name).await
    }
    async fn keep_secret(&self, accepted: AcceptedSecret) -> Result<(), Failure> {
        self.host.keep_secret(accepted).await
    }
    fn generate_secret(&self, length: usize) -> Result<SecretString, Failure> {
        self.host.generate_secret(length)
    }
    fn mask(&self, also: &[(CredentialName, SecretString)]) -> Box<dyn Mask> {
        self.host.mask(also)
    }
    fn show(&self, live: Live) {
        self.host.show(live);
    }
    fn log_folder(&self) -> PathBuf {
        self.host.log_folder()
    }
    fn services_folder(&self) -> PathBuf {
        self.host.services_folder()
    }
}

/// Not a test by itself: what the one below starts and kills.
#[tokio::test]
async fn writes_when_told_to() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let folder = PathBuf::from(folder);
    let mut machine = Machine::new();
    machine.facts.home = folder.join("home").display().to_string();
    let content = fs::read_to_string(folder.join("new")).unwrap();
    let operation = machine.operation("file", json!({ "path": "~/deep/er/file", "content": content }));
    let mut cx = machine.context();
    cx.host = Arc::new(Durable { host: Arc::clone(&machine.host), receipts: folder.join("receipts") });
    println!("ready");
    operation.apply(&cx).await.unwrap();
    println!("done");
}

#[tokio::test]
async fn e6_a_real_kill_leaves_the_old_file_or_the_new_one_and_undo_gives_back_the_old() {
    let sizes = [0, 10, 200_000, 400_000, 3_000_000];
    let mut seen = [0, 0];
    for round in 0..60_u64 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("home/deep/er/file");
        let size = |salt| sizes[usize::try_from((round * 7 + salt) % 5).unwrap()];
        let old = (round % 4 != 3).then(|| "o".repeat(size(0)));
        let new = "n".repeat(size(round / 5) + 1);
        fs::create_dir(folder.path().join("home")).unwrap();
        fs::write(folder.path().join("new"), &new).unwrap();
        if let Some(old) = &old {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, old).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        }
        let before = everything(&folder.path().join("home"));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "file_killed::writes_when_told_to", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("ready")), "the child began");
        std::thread::sleep(Duration::from_micros(round * 611 % 25_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let now = fs::read_to_string(&path).ok();
        assert!(now == old || now.as_ref() == Some(&new), "round {round}: neither the old nor the new");
        seen[usize::from(now.as_ref() == Some(&new))] += 1;

        let mut machine = Machine::new();
        machine.facts.home = folder.path().join("home").display().to_string();
        let operation = machine.operation("file", json!({ "path": "~/deep/er/file", "content": new }));
        let receipts = fs::read_to_string(folder.path().join("receipts")).unwrap_or_default();
        // A journal holds a receipt whole or not at all; half a line is one that was not kept, and nothing followed it.
        let whole = receipts.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        for receipt in whole.rev() {
            let receipt: Value = serde_json::from_str(receipt).unwrap();
            operation.undo(&machine.context(), &receipt).await.unwrap();
        }
        assert_eq!(everything(&folder.path().join("home")), before, "round {round}: nothing else is left");
    }
    println!("killed before the new file was there {} times, after {} times", seen[0], seen[1]);
}

/// Every path below a folder, with permissions and content.
fn everything(folder: &Path) -> Vec<(PathBuf, u32, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.symlink_metadata().unwrap().permissions().mode();
        if path.is_dir() {
            found.push((path.clone(), mode, None));
            found.extend(everything(&path));
        } else {
            found.push((path.clone(), mode, Some(fs::read(&path).unwrap())));
        }
    }
    found.sort();
    found
}

/// Where a run can be cut off.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// The receipt is kept, and nothing was done.
    AfterReceipt,
    /// What was there is set aside, if it is to be.
    AfterSetAside,
    /// So much of the new file is written beside the old one.
    WhileWriting(prop::sample::Index),
    /// The new file is in its place.
    AfterReplacing,
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        Just(Cut::AfterReceipt),
        Just(Cut::AfterSetAside),
        any::<prop::sample::Index>().prop_map(Cut::WhileWriting),
        Just(Cut::AfterReplacing),
    ]
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-z \n]{0,40}".prop_map(String::into_bytes),
        // Too large for a receipt.
        1 => vec(any::<u8>(), 1..4).prop_map(|some| some.repeat(300 * 1024)),
        1 => vec(any::<u8>(), 0..40),
    ]
}

/// Brings the disk into the state of a run that was cut off there, from that of one that was not.
fn cut_off(path: &Path, old: Option<&Vec<u8>>, new: &[u8], cut: Cut) {
    let folder = path.parent().unwrap();
    let kept = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<PathBuf> = kept.filter(|kept| kept != path).collect();
    match cut {
        Cut::AfterReplacing => return,
        Cut::AfterReceipt => kept.iter().for_each(|kept| fs::remove_file(kept).unwrap()),
        Cut::AfterSetAside | Cut::WhileWriting(_) => {}
    }
    match old {
        Some(old) => fs::write(path, old).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    if let Cut::WhileWriting(part) = cut {
        let unfinished = path.with_file_name(".file.firstlight-new");
        fs::write(unfinished, &new[..part.index(new.len() + 1)]).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn e6_undo_and_another_try_both_find_their_way_from_any_cut(
        old in proptest::option::of(content()),
        new in "[a-z\n]{0,40}",
        first in cut(),
        again in any::<bool>(),
    ) {
        prop_assume!(old.as_deref() != Some(new.as_bytes()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let machine = Machine::new();
            let path = machine.home().join("file");
            if let Some(old) = &old {
                fs::write(&path, old).unwrap();
            }
            let before = machine.snapshot();
            let operation = machine.operation("file", json!({ "path": "~/file", "content": new }));
            operation.apply(&machine.context()).await.unwrap();
            cut_off(&path, old.as_ref(), new.as_bytes(), first);
            if again {
                operation.apply(&machine.context()).await.unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), new);
                assert!(!machine.home().join(".file.firstlight-new").exists());
            }
            for receipt in machine.host.receipts(&machine.step) {
                operation.undo(&machine.context(), &receipt).await.unwrap();
            }
            assert_eq!(machine.snapshot(), before);
        });
    }
}
