//! The metadata that was verified, on disk. What a refresh verifies is held back until it was compared with what was seen
//! before (`floor.rs`); only then it is written, and a write that fails is an error, which the library's own store would
//! only warn about.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use sigstore_tuf::{Error, MetadataStore};

use super::durable;

/// The root that trust began with. Its name does not end in `.json`: it is not what is trusted now.
const GIVEN: &str = "given.root";
/// More than any metadata may have is not read.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The folder of verified metadata. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Store {
    folder: PathBuf,
    /// Verified, but not compared yet.
    held: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Store {
    pub(super) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), held: Arc::default() }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The root that trust began with.
    pub(super) fn given_root(&self) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join(GIVEN))
    }

    /// Trusts a root. What was verified with another one stays: it counts only as far as this one leads to it.
    pub(super) fn give_root(&self, root: &[u8]) -> io::Result<()> {
        durable::write(&self.folder.join(GIVEN), root)?;
        durable::write(&self.folder.join("root.json"), root)
    }

    /// Verified metadata, as the last refresh left it.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        if let Some(held) = self.held().get(name) {
            return Ok(Some(held.clone()));
        }
        if !is_safe(name) {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let path = self.folder.join(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() && found.len() <= MAX_BYTES => fs::read(path).map(Some),
            Ok(_) => Err(io::Error::from(io::ErrorKind::InvalidData)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes what is held back and may be kept, and forgets the rest.
    pub(super) fn keep(&self, may_be_kept: impl Fn(&str) -> bool) -> Result<(), (PathBuf, io::Error)> {
        let held = std::mem::take(&mut *self.held());
        for (name, content) in held.iter().filter(|(name, _)| may_be_kept(name)) {
            let path = self.folder.join(name);
            // What is there already need not be written, and need not be writable.
            if fs::read(&path).is_ok_and(|there| there == *content) {
                continue;
            }
            durable::write(&path, content).map_err(|error| (path, error))?;
        }
        Ok(())
    }

    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        // Every change under it is a single one.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MetadataStore for Store {
    fn load(&self, name: &str) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        self.read(name).map_err(|error| Error::io(format!("reading {name}"), error))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> sigstore_tuf::Result<()> {
        // `7.snapshot.json` is `snapshot.json` a second time.
        let twice = name.strip_suffix(".snapshot.json").is_some_and(|version| version.parse::<u64>().is_ok());
        if is_safe(name) && !twice {
            self.held().insert(name.to_owned(), bytes.to_vec());
        }
        Ok(())
    }
}

/// The names the library uses: a file, or one in the folder of older roots. It escapes names of roles itself.
fn is_safe(name: &str) -> bool {
    let file = name.strip_prefix("root_history/").unwrap_or(name);
    file.strip_suffix(".json").is_some_and(|role| !role.is_empty()) && !file.contains(['/', '\\', ':', '\0'])
}
