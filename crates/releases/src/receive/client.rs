//! A client of a signed repository: The Update Framework's workflow by `sigstore-tuf`, and around it what the workflow
//! leaves to its user: a floor that outlives damaged caches, writes that must succeed, deadlines, and files that are
//! streamed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::Timestamp;
use sigstore_tuf::{TargetFile, TrustedMetadataSet, Updater, UpdaterConfig};

use super::{
    error::{ReceiveError, Result},
    fetch::{Source, Wanted},
    floor::{Floor, Release},
    refusal,
    repository::Published,
    store::Store,
};
use crate::layout;

/// At most this many bytes in the metadata of one role: the files of a release are listed there.
const MAX_TARGETS: u64 = 8 * 1024 * 1024;

/// A client, with what it trusts.
pub(super) struct Client {
    updater: Updater,
    store: Store,
    published: Published,
    floor: Floor,
}

impl Client {
    /// Begins to trust a root: from now on this folder says what is trusted.
    pub(super) fn begin(folder: &Path, root: &[u8]) -> Result<()> {
        let trusted = TrustedMetadataSet::from_root(root)
            .map_err(|error| ReceiveError::BadRoot { why: refusal::in_full(&error) })?;
        let store = Store::at(folder);
        // Given again, a root does not make anybody forget what was seen.
        if Floor::read(folder).is_err() {
            Floor::of_root(trusted.root().version).write(folder, &Floor::default())?;
        }
        store.give_root(root).map_err(|source| ReceiveError::NotWritable { path: folder.to_owned(), source })
    }

    /// Begins to trust a root in a folder of its own, with what another folder has seen so far.
    pub(super) fn begin_after(seen: &Path, folder: &Path, root: &[u8]) -> Result<()> {
        if let Ok(mut floor) = Floor::read(seen) {
            floor.write(folder, &Floor::default())?;
        }
        Self::begin(folder, root)
    }

    /// Opens what is trusted in a folder.
    pub(super) fn open(folder: &Path, source: Source) -> Result<Self> {
        let store = Store::at(folder);
        let root = store.given_root().map_err(|error| ReceiveError::BadRoot {
            why: format!("{} cannot be read: {error}", folder.display()),
        })?;
        let floor = Floor::read(folder)?;
        let published = Published::new(source, store.clone());
        let bad_root = |error| ReceiveError::BadRoot { why: refusal::in_full(&error) };
        let mut config = UpdaterConfig::default();
        config.targets_max_length = MAX_TARGETS;
        let updater = Updater::new(published.clone(), &root)
            .map_err(bad_root)?
            .with_config(config)
            .with_store(store.clone());
        Ok(Self { updater, store, published, floor })
    }

    /// Asks what is new, and verifies it.
    pub(super) async fn refresh(&mut self, now: Timestamp) -> Result<()> {
        let until = self.published.source.limits.metadata;
        let refreshed = match tokio::time::timeout(until, self.updater.refresh(theirs(now)?)).await {
            Ok(refreshed) => refreshed.map_err(|error| self.refused(error)),
            Err(_) => Err(ReceiveError::Slow { what: "the repository's metadata".to_owned() }),
        };
        self.remember()?;
        refreshed
    }

    /// What a target has to be; none if nobody who may lists it.
    pub(super) async fn target(&mut self, path: &str, now: Timestamp) -> Result<Option<TargetFile>> {
        loop {
            let until = self.published.source.limits.metadata;
            let asked = self.updater.get_target_info(path, theirs(now)?);
            let Ok(found) = tokio::time::timeout(until, asked).await else {
                return Err(ReceiveError::Slow { what: "the repository's metadata".to_owned() });
            };
            match found {
                Ok(found) => return Ok(found),
                // What was kept may be damaged: then the network is asked, once.
                Err(_) if self.published.forget() => {}
                Err(error) => {
                    let error = self.refused(error);
                    self.remember()?;
                    return Err(error);
                }
            }
        }
    }

    /// Writes down what was verified, the floor first: a cut leaves a floor that is too high for the cache, and never one
    /// that is too low. What is older than what was seen is not written, except for roots, which lead on from each other.
    pub(super) fn remember(&mut self) -> Result<()> {
        let trusted = self.updater.trusted();
        let checked = self.floor.check(trusted);
        if checked.is_ok() {
            let before = self.floor.clone();
            self.floor.raise(trusted, &self.store);
            self.floor.write(self.store.folder(), &before)?;
        }
        let kept = self.store.keep(|name| checked.is_ok() || name.contains("root"));
        checked.and(kept.map_err(|(path, source)| ReceiveError::FloorNotWritten { path, source }))
    }

    /// What a role lists below a folder, by the path in it. The role was asked for a target before, so it is verified.
    ///
    /// The library answers for one path at a time and verifies the role anew for each; asked for thousands it would take
    /// longer than fetching them. Here the same rules are read from the same verified metadata once: a path belongs to
    /// whoever is asked first for it, which must be this role.
    pub(super) fn listed(&self, role: &str, folder: &str) -> Result<BTreeMap<String, TargetFile>> {
        let trusted = self.updater.trusted();
        let (Some(top), Some(listed)) = (trusted.targets_role("targets"), trusted.targets_role(role)) else {
            return Err(ReceiveError::Incomplete { what: role.to_owned() });
        };
        let roles =
            top.delegations.as_ref().map(|delegations| delegations.roles.as_slice()).unwrap_or_default();
        self.are_different_keys(role)?;
        let mut files = BTreeMap::new();
        for (path, file) in &listed.targets {
            let Some(below) = path.strip_prefix(folder) else { continue };
            let mut first = None;
            for delegated in roles {
                if delegated.matches_path(path).map_err(|error| self.refused(error))? {
                    first = Some(&delegated.name);
                    break;
                }
            }
            if top.target(path).is_some() || first.is_none_or(|first| first != role) {
                return Err(ReceiveError::UnsafePath {
                    why: format!("`{role}` lists a file that is not its own"),
                });
            }
            files.insert(below.to_owned(), file.clone());
        }
        Ok(files)
    }

    /// One key under two ids would be two signatures to the library, which takes ids as they are.
    fn are_different_keys(&self, role: &str) -> Result<()> {
        let trusted = self.updater.trusted();
        let Some(delegations) = trusted.targets_role("targets").and_then(|top| top.delegations.as_ref())
        else {
            return Ok(());
        };
        for delegated in delegations.roles.iter().filter(|delegated| delegated.name == role) {
            let keys = delegated.keyids.iter().filter_map(|id| delegations.keys.get(id));
            let different: BTreeSet<&str> = keys.map(|key| key.keyval.public.as_str()).collect();
            if different.len() < delegated.keyids.len() {
                let (found, needed) = (different.len(), delegated.threshold);
                return Err(ReceiveError::TooFewSignatures { role: role.to_owned(), found, needed });
            }
        }
        Ok(())
    }

    pub(super) fn source(&self) -> &Source {
        &self.published.source
    }

    /// Fetches a target into a file.
    pub(super) async fn fetch(&self, path: &str, target: &TargetFile, to: &Path) -> Result<()> {
        let wanted = wanted(target);
        // Ours are consistent snapshots; other repositories need not be.
        let at = if self.updater.trusted().root().consistent_snapshot {
            let hash = wanted.sha256.as_ref().or(wanted.sha512.as_ref());
            let hash =
                hash.ok_or_else(|| ReceiveError::Mixed { what: format!("{path} has no sum that is known") })?;
            layout::stored_at(path, hash)
        } else {
            path.to_owned()
        };
        Ok(self.published.source.file(&at, &wanted, to).await?)
    }

    /// The release of a pack that was accepted last.
    pub(super) fn accepted(&self, pack: &str) -> Option<&Release> {
        self.floor.release(pack)
    }

    /// Writes down that a release was accepted.
    pub(super) fn accept(&mut self, pack: &str, release: Release) -> Result<()> {
        let before = self.floor.clone();
        self.floor.accept(pack, release);
        self.floor.write(self.store.folder(), &before)
    }

    fn refused(&self, error: sigstore_tuf::Error) -> ReceiveError {
        refusal::of(error, self.updater.trusted(), &self.published)
    }
}

/// Until when what was said last is good, as it is kept in a folder.
pub(super) fn good_until(folder: &Path) -> Option<Timestamp> {
    let said = Store::at(folder).read("timestamp.json").ok().flatten()?;
    let said: serde_json::Value = serde_json::from_slice(&said).ok()?;
    said["signed"]["expires"].as_str()?.parse().ok()
}

/// What a file has to be, from what is signed about it.
pub(super) fn wanted(target: &TargetFile) -> Wanted {
    Wanted {
        length: target.length,
        sha256: target.hashes.get("sha256").cloned(),
        sha512: target.hashes.get("sha512").cloned(),
    }
}

/// A moment as the library counts it, which has an older version of the same calendar.
fn theirs(now: Timestamp) -> Result<tuf_jiff::Timestamp> {
    tuf_jiff::Timestamp::from_nanosecond(now.as_nanosecond()).map_err(|error| ReceiveError::NotUnderstood {
        what: "this machine's clock".to_owned(),
        why: error.to_string(),
    })
}
