//! What the publishing half writes, the receiving half takes: at every moment, and through every change of keys.

use std::{cell::RefCell, fs, io, path::Path};

use firstlight_releases::{
    publish::{
        Change, Disk, RealDisk, SecretKey, Step, publish, renew, replace_key,
        testing::{Desk, named},
    },
    receive::{ReceiveError, Trust, Why},
};
use firstlight_testkit::releases::{PACK, Site};
use semver::Version;
use tempfile::TempDir;

use crate::machine::{DEVICE, Machine, days, now};

const FILES: &[(&str, &str)] = &[
    ("pack.yaml", "name: acme\n"),
    ("docs/deep/er.md", "# Deeper\n"),
    ("docs/Erste Schritte.md", "# Hallo\n"),
];

/// A desk that has published 1.0.0, what it published being served.
fn published() -> (TempDir, Desk, Site) {
    let place = tempfile::tempdir().unwrap();
    let desk = Desk::new(&place.path().join("repository"), PACK, now());
    desk.release(&Version::new(1, 0, 0), FILES, 100, now());
    let site = Site::start();
    site.serve(&desk.folder);
    (place, desk, site)
}

async fn enrolled(site: &Site) -> Machine {
    let machine = Machine::new();
    machine.enrol_at(site, Trust::Root(site.get("metadata/1.root.json"))).await.unwrap();
    machine
}

#[tokio::test]
async fn what_is_published_is_received_as_it_was() {
    let (_place, desk, site) = published();
    let machine = enrolled(&site).await;
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("1.0.0"));
    let received = machine.pack();
    for (path, content) in FILES {
        assert!(received.contains(&((*path).to_owned(), (*content).to_owned())), "{path}: {received:?}");
    }
    site.asked();
    desk.refresh(now() + days(1));
    site.serve(&desk.folder);
    assert_eq!(machine.update(now() + days(1)).await.unwrap(), None);
    assert_eq!(site.asked().len(), 2, "a timestamp that was only signed anew costs no more");
}

#[tokio::test]
async fn a8_rings_and_halts_are_understood_on_both_sides() {
    let (_place, desk, site) = published();
    let machine = enrolled(&site).await;
    machine.update(now()).await.unwrap();
    let second = Version::new(2, 0, 0);
    desk.release(&second, FILES, 0, now());
    site.serve(&desk.folder);
    let choice = machine.check(DEVICE, now()).await.unwrap();
    assert_eq!((choice.take, &choice.held_back[0].why), (None, &Why::Ring(0)));
    desk.rollout(&second, &Step::Halt { reason: "the VPN step fails".to_owned() }, now());
    site.serve(&desk.folder);
    let choice = machine.check(DEVICE, now()).await.unwrap();
    assert_eq!(choice.held_back[0].why, Why::Halted(Some("the VPN step fails".to_owned())));
    desk.rollout(&second, &Step::Resume, now());
    desk.rollout(&second, &Step::Share(100), now());
    site.serve(&desk.folder);
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
}

#[tokio::test]
async fn a3_every_key_can_be_replaced_under_machines_that_have_enrolled() {
    let (_place, mut desk, site) = published();
    let machine = enrolled(&site).await;
    machine.update(now()).await.unwrap();
    let late = enrolled(&site).await;
    let before = site.copy();
    for (number, old) in ["Ada, platform", "Bo, security", "the publisher"].into_iter().enumerate() {
        let key = SecretKey::of_seed([u8::try_from(number).unwrap() + 20; 32]);
        let change =
            replace_key(&desk.repository(), old, &named(&key, &format!("new {number}")), now()).unwrap();
        let change = signed(&desk, change, &key);
        let online = if number == 2 { &key } else { &desk.online };
        publish(&desk.folder, change, online, now(), &RealDisk).unwrap();
        match number {
            0 => desk.platform = key,
            1 => desk.security = key,
            _ => desk.online = key,
        }
        site.serve(&desk.folder);
        assert_eq!(machine.update(now()).await.unwrap(), None, "after the key of {old}");
        desk.release(&Version::new(2 + number as u64, 0, 0), FILES, 100, now());
        site.serve(&desk.folder);
        let version = format!("{}.0.0", 2 + number);
        assert_eq!(machine.update(now()).await.unwrap(), Some(version), "after the key of {old}");
    }
    // One that slept through all of it walks the roots one by one.
    assert_eq!(late.update(now()).await.unwrap().as_deref(), Some("4.0.0"));
    // And what was published with the keys of before is not taken back.
    site.restore(before);
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::Replayed { .. } | ReceiveError::WrongKey { .. }), "{error:?}");
}

/// Signed by everybody who may: whose key is replaced signs once more, and so does the new one.
fn signed(desk: &Desk, mut change: Change, new: &SecretKey) -> Change {
    let repository = desk.repository();
    for key in [&desk.platform, &desk.security, &desk.spare, new] {
        // Not everybody is asked each time.
        let _ = change.sign(Some(&repository), key);
    }
    change
}

/// A disk after each file of which somebody updates.
struct Watched<'a> {
    repository: &'a Path,
    site: &'a Site,
    machines: RefCell<Vec<Machine>>,
    versions: RefCell<Vec<String>>,
}

impl Disk for Watched<'_> {
    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        RealDisk.put(path, content)?;
        self.site.serve(self.repository);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let machine = self.machines.borrow_mut().pop().expect("a machine for each file");
        runtime.block_on(machine.update(now())).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.versions.borrow_mut().push(machine.version());
        Ok(())
    }
}

#[test]
fn at_every_moment_of_a_publication_a_machine_gets_the_old_or_the_new_one() {
    let (_place, desk, site) = published();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let machines: Vec<Machine> = (0..12)
        .map(|_| {
            runtime.block_on(async {
                let machine = enrolled(&site).await;
                machine.update(now()).await.unwrap();
                machine
            })
        })
        .collect();
    let changes: [&dyn Fn() -> Change; 2] = [
        &|| desk.draft(&Version::new(2, 0, 0), &[("pack.yaml", "name: acme\n# new\n")], 100, now()),
        &|| renew(&desk.repository(), now()).unwrap(),
    ];
    let watched = Watched {
        repository: &desk.folder,
        site: &site,
        machines: RefCell::new(machines),
        versions: RefCell::default(),
    };
    for change in changes {
        let change = signed(&desk, change(), &desk.spare);
        publish(&desk.folder, change, &desk.online, now(), &watched).unwrap();
    }
    let versions = watched.versions.into_inner();
    assert!(versions.is_sorted(), "never back: {versions:?}");
    assert_eq!((versions.first().unwrap().as_str(), versions.last().unwrap().as_str()), ("1.0.0", "2.0.0"));
    assert!(fs::read_dir(&desk.folder).is_ok());
}
