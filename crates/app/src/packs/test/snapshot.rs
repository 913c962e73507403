//! A folder as it is: every file, folder and link below it, with modes and content, to be compared byte for byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// What is at each path below a folder.
#[derive(Debug, Default)]
pub(super) struct Snapshot(BTreeMap<PathBuf, Entry>);

#[derive(Debug, Clone)]
struct Entry {
    what: What,
    mode: u32,
    stamp: Stamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Folder,
    File {
        length: u64,
        hash: [u8; 32],
    },
    Link(PathBuf),
    /// A socket, a pipe, or a file that may not be read.
    Other,
}

/// As long as this is the same, a file's content is: so that a large tree is not read again after every step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Stamp(Vec<i64>);

impl Entry {
    fn same(&self, other: &Self) -> bool {
        self.what == other.what && self.mode == other.mode
    }
}

impl Snapshot {
    /// Of this folder now. What has not changed since `before` is not read again.
    pub(super) fn of(folder: &Path, before: &Self) -> io::Result<Self> {
        let mut found = Self::default();
        found.take(folder, Path::new(""), before)?;
        found.walk(folder, Path::new(""), before)?;
        Ok(found)
    }

    fn walk(&mut self, root: &Path, folder: &Path, before: &Self) -> io::Result<()> {
        let entries = match fs::read_dir(root.join(folder)) {
            Ok(entries) => entries,
            // Gone again, or closed even to its owner: its own entry says that it is there.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) =>
            {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = folder.join(entry?.file_name());
            self.take(root, &path, before)?;
            if self.0.get(&path).is_some_and(|entry| entry.what == What::Folder) {
                self.walk(root, &path, before)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, root: &Path, path: &Path, before: &Self) -> io::Result<()> {
        let full = root.join(path);
        let about = match fs::symlink_metadata(&full) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let stamp = stamp(&about);
        let known = before.0.get(path).filter(|known| known.stamp == stamp);
        let what = if let Some(known) = known {
            known.what.clone()
        } else if about.is_dir() {
            What::Folder
        } else if about.is_symlink() {
            What::Link(fs::read_link(&full).unwrap_or_default())
        } else if about.is_file() {
            hash(&full, u64::MAX).map_or(What::Other, |(length, hash)| What::File { length, hash })
        } else {
            What::Other
        };
        self.0.insert(path.to_owned(), Entry { what, mode: mode(&about), stamp });
        Ok(())
    }

    /// The paths that came, went or changed since.
    pub(super) fn differs_from(&self, before: &Self) -> BTreeSet<PathBuf> {
        let paths = self.0.keys().chain(before.0.keys());
        let differs = |path: &&PathBuf| match (self.0.get(*path), before.0.get(*path)) {
            (Some(now), Some(then)) => !now.same(then),
            _ => true,
        };
        paths.filter(differs).cloned().collect()
    }

    /// The files that are as they were then, and more after it: what is written once more at each run.
    pub(super) fn grown_since(&self, before: &Self, root: &Path) -> BTreeSet<PathBuf> {
        let grown = |path: &&PathBuf| {
            let (Some(What::File { length: now, .. }), Some(What::File { length: then, hash: old })) =
                (self.0.get(*path).map(|entry| &entry.what), before.0.get(*path).map(|entry| &entry.what))
            else {
                return false;
            };
            *then > 0 && now > then && hash(&root.join(path), *then).is_ok_and(|(_, hash)| hash == *old)
        };
        self.0.keys().filter(grown).cloned().collect()
    }
}

/// Length and hash of at most so many bytes of a file.
fn hash(path: &Path, at_most: u64) -> io::Result<(u64, [u8; 32])> {
    let mut file = fs::File::open(path)?.take(at_most);
    let (mut hasher, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((length, hasher.finalize().into()));
        }
        length += read as u64;
        hasher.update(&buffer[..read]);
    }
}

#[cfg(unix)]
fn stamp(about: &fs::Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let (node, length) = (about.ino().cast_signed(), about.size().cast_signed());
    Stamp(vec![node, length, about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()])
}

/// Nothing here changes with every change of a file: all are read.
#[cfg(not(unix))]
fn stamp(_about: &fs::Metadata) -> Stamp {
    Stamp(vec![
        std::time::UNIX_EPOCH.elapsed().map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(0)),
    ])
}

#[cfg(unix)]
fn mode(about: &fs::Metadata) -> u32 {
    use std::os::unix::fs::MetadataExt;
    about.mode()
}

#[cfg(not(unix))]
fn mode(about: &fs::Metadata) -> u32 {
    u32::from(about.permissions().readonly())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn whatever_differs_is_seen_and_what_was_only_touched_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["same", "longer", "other", "mode", "gone"] {
            fs::write(root.join(name), "one\n").unwrap();
        }
        std::os::unix::fs::symlink("same", root.join("link")).unwrap();
        let before = Snapshot::of(root, &Snapshot::default()).unwrap();

        fs::write(root.join("same"), "one\n").unwrap();
        fs::write(root.join("longer"), "one\ntwo\n").unwrap();
        fs::write(root.join("other"), "ONE\ntwo\n").unwrap();
        fs::set_permissions(root.join("mode"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::remove_file(root.join("gone")).unwrap();
        fs::remove_file(root.join("link")).unwrap();
        std::os::unix::fs::symlink("other", root.join("link")).unwrap();
        fs::create_dir(root.join("new")).unwrap();
        let after = Snapshot::of(root, &before).unwrap();

        let differs: Vec<_> = after.differs_from(&before).into_iter().collect();
        let expected = ["gone", "link", "longer", "mode", "new", "other"].map(PathBuf::from);
        assert_eq!(differs, expected);
        let grown: Vec<_> = after.grown_since(&before, root).into_iter().collect();
        assert_eq!(grown, [PathBuf::from("longer")]);
    }
}
