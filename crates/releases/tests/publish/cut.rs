//! Cut off at each file, the folder is a sound repository: the old one or the new one. Done again, it is the new one.

use std::{cell::Cell, fs, io, path::Path};

use firstlight_releases::publish::{
    Change, Disk, PublishError, RealDisk, Repository, SecretKey, Step, change_rollout, inspect, publish,
    renew, replace_key,
    testing::{Desk, named},
};

use crate::desk::{FILES, desk, now, read_by_another_client, version};

/// A disk that takes so many files, and then leaves half of one beside where it should be.
struct Cutting(Cell<usize>);

impl Cutting {
    fn unless_cut(
        &self,
        path: &Path,
        content: &[u8],
        put: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        if let Some(left) = self.0.get().checked_sub(1) {
            self.0.set(left);
            return put();
        }
        let folder = path.parent().unwrap();
        fs::create_dir_all(folder)?;
        fs::write(folder.join(".new-cut"), &content[..content.len() / 2])?;
        Err(io::Error::other("the power went"))
    }
}

impl Disk for Cutting {
    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.unless_cut(path, content, || RealDisk.put(path, content))
    }

    fn put_soon(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.unless_cut(path, content, || RealDisk.put_soon(path, content))
    }

    fn settle(&self, folder: &Path) -> io::Result<()> {
        RealDisk.settle(folder)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What a reader sees: versions of roles, and files that are wrong.
fn seen(folder: &Path) -> Vec<(String, u64)> {
    let inspection = inspect(folder, now()).unwrap();
    assert!(inspection.is_sound(), "{inspection:?}");
    read_by_another_client(folder);
    let roles = inspection.roles.into_iter().filter(|role| role.role != "root");
    roles.map(|role| (role.role, role.version)).collect()
}

/// Publishes a change into copies of the folder, cut off after each file.
fn cut_everywhere(desk: &Desk, online: &SecretKey, change: impl Fn() -> Change) -> usize {
    let before = seen(&desk.folder);
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    copy(&desk.folder, &whole);
    publish(&whole, change(), online, now(), &RealDisk).unwrap();
    let after = seen(&whole);
    assert_ne!(before, after);
    for cut in 0.. {
        let folder = place.path().join(cut.to_string());
        copy(&desk.folder, &folder);
        match publish(&folder, change(), online, now(), &Cutting(Cell::new(cut))) {
            Ok(_) => return cut,
            Err(error) => assert!(matches!(error, PublishError::Io { .. }), "{error}"),
        }
        let found = seen(&folder);
        assert!(found == before || found == after, "cut after {cut}: {found:?}");
        publish(&folder, change(), online, now(), &RealDisk).unwrap();
        let roles = |of: &[(String, u64)]| -> Vec<(String, u64)> {
            // A publication that was complete but for its last root is signed as fresh once more.
            of.iter().filter(|(role, _)| role != "timestamp").cloned().collect()
        };
        assert_eq!(roles(&seen(&folder)), roles(&after), "again after {cut}");
        let root = |folder: &Path| Repository::open(folder).unwrap().root_version();
        assert_eq!(root(&folder), root(&whole), "again after {cut}");
    }
    unreachable!("a change has an end")
}

#[test]
fn a_release_that_is_cut_off_is_not_there() {
    let (desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let signed = || {
        let mut change = desk.draft(&version("1.1.0"), FILES, 10, now());
        change.sign(Some(&desk.repository()), &desk.platform).unwrap();
        change.sign(Some(&desk.repository()), &desk.security).unwrap();
        change
    };
    // Two files, who gets it, two roles, the snapshot, the timestamp.
    assert_eq!(cut_everywhere(&desk, &desk.online, signed), 7);
}

#[test]
fn a_halt_that_is_cut_off_is_not_there() {
    let (desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let signed = || {
        let published = desk.repository();
        let halt = Step::Halt { reason: "it broke".to_owned() };
        let mut change = change_rollout(&published, "acme", &version("1.0.0"), &halt, now()).unwrap();
        change.sign(Some(&published), &desk.rollout).unwrap();
        change
    };
    assert_eq!(cut_everywhere(&desk, &desk.online, signed), 4);
}

#[test]
fn keys_that_are_replaced_leave_no_moment_without_a_repository() {
    let (desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let new = SecretKey::of_seed([8; 32]);
    let people = || {
        let published = desk.repository();
        let public = named(&new, "Ava, platform");
        let mut change = replace_key(&published, "Ada, platform", &public, now()).unwrap();
        for key in [&desk.security, &desk.spare, &new] {
            change.sign(Some(&published), key).unwrap();
        }
        change
    };
    // Two roots, three roles, the snapshot, the timestamp.
    assert_eq!(cut_everywhere(&desk, &desk.online, people), 7);
    let online = || {
        let published = desk.repository();
        let mut change =
            replace_key(&published, "the publisher", &named(&new, "another publisher"), now()).unwrap();
        for key in [&desk.platform, &desk.security] {
            change.sign(Some(&published), key).unwrap();
        }
        change
    };
    assert_eq!(cut_everywhere(&desk, &new, online), 4);
}

#[test]
fn another_year_leaves_no_moment_without_a_repository() {
    let (desk, _place) = desk();
    desk.release(&version("1.0.0"), FILES, 100, now());
    let signed = || {
        let published = desk.repository();
        let mut change = renew(&published, now()).unwrap();
        change.sign(Some(&published), &desk.platform).unwrap();
        change.sign(Some(&published), &desk.security).unwrap();
        change
    };
    assert_eq!(cut_everywhere(&desk, &desk.online, signed), 6);
}

#[test]
fn the_first_repository_is_there_with_its_timestamp() {
    let place = tempfile::tempdir().unwrap();
    let packs = [firstlight_domain::id::PackName::new("acme").unwrap()];
    // Who gets it, the root, three roles, the snapshot, the timestamp.
    for cut in 0..7 {
        let desk = Desk::unpublished(&place.path().join(cut.to_string()), "acme");
        let signed = || {
            let mut change = firstlight_releases::publish::begin(&desk.team(), &packs, now()).unwrap();
            change.sign(None, &desk.platform).unwrap();
            change.sign(None, &desk.security).unwrap();
            change
        };
        let cutting = Cutting(Cell::new(cut));
        let error = publish(&desk.folder, signed(), &desk.online, now(), &cutting).unwrap_err();
        assert!(matches!(error, PublishError::Io { .. }), "{error}");
        assert!(
            matches!(Repository::open(&desk.folder).unwrap_err(), PublishError::NoRepository(_)),
            "{cut}"
        );
        publish(&desk.folder, signed(), &desk.online, now(), &RealDisk).unwrap();
        seen(&desk.folder);
    }
}

/// A file that was there, but empty, when the power came back: its name leads to nothing yet, and it is written anew.
#[test]
fn a_file_that_was_not_durable_is_written_again() {
    let (desk, _place) = desk();
    let mut change = desk.draft(&version("1.0.0"), FILES, 100, now());
    change.sign(Some(&desk.repository()), &desk.platform).unwrap();
    change.sign(Some(&desk.repository()), &desk.security).unwrap();
    let lossy = Lossy;
    let error = publish(&desk.folder, change, &desk.online, now(), &lossy).unwrap_err();
    assert!(matches!(error, PublishError::Io { .. }), "{error}");
    assert_eq!(fs::read_dir(desk.folder.join("targets/acme/1.0.0/docs")).unwrap().count(), 1);
    seen(&desk.folder);
    desk.release(&version("1.0.0"), FILES, 100, now());
    seen(&desk.folder);
}

/// A disk that has lost the content of all it was given when it is asked to keep it.
struct Lossy;

impl Disk for Lossy {
    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        RealDisk.put(path, content)
    }

    fn put_soon(&self, path: &Path, _content: &[u8]) -> io::Result<()> {
        RealDisk.put_soon(path, b"")
    }

    fn settle(&self, _folder: &Path) -> io::Result<()> {
        Err(io::Error::other("the power went"))
    }
}

#[test]
fn two_do_not_publish_at_once() {
    let (desk, _place) = desk();
    let held = fs::File::options().write(true).open(desk.folder.join(".firstlight-lock")).unwrap();
    held.lock().unwrap();
    let error =
        firstlight_releases::publish::refresh(&desk.folder, &desk.online, now(), &RealDisk).unwrap_err();
    assert!(matches!(error, PublishError::Busy(_)), "{error}");
}
