//! What was seen before, so that nothing older passes for new: the rollback floor.
//!
//! The cached metadata says it too, but a damaged file of it says nothing, and the library then takes what it is offered.
//! So it is written down a second time, here, in two files with a sum each: any one of them may be lost. It lasts as long
//! as the keys do that made it, as the specification wants: whoever replaces the keys of a role may begin its versions
//! anew, because otherwise a thief of the old ones could make the highest version there is. The floor of releases knows
//! no such exception.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use semver::Version;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sigstore_tuf::{Root, TrustedMetadataSet};

use super::{
    durable,
    error::{ReceiveError, Result},
    fetch::hex,
    store::Store,
};

/// Two files, because one may be lost.
const FILES: [&str; 2] = ["floor", "floor.copy"];

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Floor {
    /// How often it was written: of two files that are whole, the later one counts.
    written: u64,
    root: u64,
    timestamp: Mark,
    snapshot: Mark,
    /// What the snapshot lists, by its file name. Stands and falls with the snapshot's keys.
    roles: BTreeMap<String, u64>,
    /// The highest release accepted, by pack, and the sum of its files.
    releases: BTreeMap<String, Release>,
}

/// A version, and the keys that signed it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    version: u64,
    signers: BTreeSet<String>,
}

/// A release that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Release {
    pub(super) version: Version,
    /// Over its files, see [`super::release::Release::digest`].
    pub(super) digest: String,
}

impl Floor {
    /// The floor of a store that has seen nothing but its first root.
    pub(super) fn of_root(version: u64) -> Self {
        Self { root: version, ..Self::default() }
    }

    /// Reads it. That neither file can be read is an error: trust was begun, so they have been there.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let whole = FILES.iter().filter_map(|name| {
            let text = fs::read_to_string(folder.join(name)).ok()?;
            let (sum, content) = text.split_once('\n')?;
            (sum == hex(&Sha256::digest(content))).then(|| serde_json::from_str::<Self>(content).ok())?
        });
        whole
            .max_by_key(|floor| floor.written)
            .ok_or_else(|| ReceiveError::FloorDamaged { path: folder.join(FILES[0]) })
    }

    /// Writes both files, if anything changed or one of them is not what it should be.
    pub(super) fn write(&mut self, folder: &Path, before: &Self) -> Result<()> {
        let failed = |name: &str, source| ReceiveError::FloorNotWritten { path: folder.join(name), source };
        let as_before = before.text().map_err(|source| failed(FILES[0], source))?;
        let is_there =
            |name: &&str| fs::read_to_string(folder.join(name)).is_ok_and(|there| there == as_before);
        if self == before && FILES.iter().all(is_there) {
            return Ok(());
        }
        self.written = before.written + 1;
        let text = self.text().map_err(|source| failed(FILES[0], source))?;
        FILES.iter().try_for_each(|name| {
            durable::write(&folder.join(name), text.as_bytes()).map_err(|source| failed(name, source))
        })
    }

    /// Its content and a sum over it, which comes first.
    fn text(&self) -> io::Result<String> {
        let content = serde_json::to_string(self)?;
        Ok(format!("{}\n{content}", hex(&Sha256::digest(&content))))
    }

    /// The highest release of a pack that was accepted.
    pub(super) fn release(&self, pack: &str) -> Option<&Release> {
        self.releases.get(pack)
    }

    /// A release was accepted.
    pub(super) fn accept(&mut self, pack: &str, release: Release) {
        self.releases.insert(pack.to_owned(), release);
    }

    /// Whether what is trusted now is older than what was seen.
    pub(super) fn check(&self, trusted: &TrustedMetadataSet) -> Result<()> {
        let root = trusted.root();
        at_least("root", self.root, root.version)?;
        if let Some(timestamp) = trusted.timestamp().filter(|_| self.timestamp.holds(root, "timestamp")) {
            at_least("timestamp", self.timestamp.version, timestamp.version)?;
        }
        let pinned = trusted.timestamp().and_then(|timestamp| timestamp.snapshot_meta());
        if let Some(snapshot) = pinned.filter(|_| self.snapshot.holds(root, "snapshot")) {
            at_least("snapshot", self.snapshot.version, snapshot.version)?;
        }
        if let Some(snapshot) = trusted.snapshot().filter(|_| self.snapshot.holds(root, "snapshot")) {
            for (file, seen) in &self.roles {
                let offered = snapshot.meta.get(file).map_or(0, |role| role.version);
                at_least(file.trim_end_matches(".json"), *seen, offered)?;
            }
        }
        Ok(())
    }

    /// Takes in what is trusted now, after it was checked.
    pub(super) fn raise(&mut self, trusted: &TrustedMetadataSet, store: &Store) {
        let root = trusted.root();
        self.root = root.version;
        if let Some(timestamp) = trusted.timestamp() {
            self.timestamp.raise(timestamp.version, root, "timestamp", store);
        }
        if let Some(snapshot) = trusted.snapshot() {
            self.snapshot.raise(snapshot.version, root, "snapshot", store);
            self.roles = snapshot.meta.iter().map(|(file, role)| (file.clone(), role.version)).collect();
        }
    }
}

impl Mark {
    /// Whether those who signed what was seen could still sign it today.
    fn holds(&self, root: &Root, role: &str) -> bool {
        let Some(keys) = root.role(role) else { return false };
        let authorized = public_keys(root, &keys.keyids);
        self.version > 0 && self.signers.intersection(&authorized).count() >= keys.threshold
    }

    fn raise(&mut self, version: u64, root: &Root, role: &str, store: &Store) {
        if self.version == version && self.holds(root, role) {
            return;
        }
        // It was verified just now, so it is JSON and there; if not, nobody signed what was seen and nothing holds.
        let content = store.read(&format!("{role}.json")).ok().flatten().unwrap_or_default();
        let content: serde_json::Value = serde_json::from_slice(&content).unwrap_or_default();
        let signatures = content["signatures"].as_array().into_iter().flatten();
        let keyids: Vec<String> = signatures
            .filter(|signature| signature["sig"] != "")
            .filter_map(|signature| signature["keyid"].as_str().map(str::to_owned))
            .collect();
        let authorized = root.role(role).map(|keys| public_keys(root, &keys.keyids)).unwrap_or_default();
        let signers = public_keys(root, &keyids).intersection(&authorized).cloned().collect();
        *self = Self { version, signers };
    }
}

/// The keys themselves: an id is only a name for one.
fn public_keys(root: &Root, keyids: &[String]) -> BTreeSet<String> {
    keyids.iter().filter_map(|id| root.keys.get(id)).map(|key| key.keyval.public.clone()).collect()
}

fn at_least(what: &str, seen: u64, offered: u64) -> Result<()> {
    if offered < seen {
        return Err(ReceiveError::Replayed { what: what.to_owned(), seen, offered });
    }
    Ok(())
}
