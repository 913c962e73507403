//! A repository as it lies in its folder: read by the rules a device reads it by, but for expiry.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use semver::Version;
use tough::schema::{RoleType, Root, Signed, Snapshot, Targets, Timestamp};

use super::{
    change::in_words,
    draft::{read_metadata, unpack},
    error::{PublishError, Result},
    holders::{Holder, holders},
    key::PublicKey,
    metadata::{Authority, Metadata, all_differ, from_bytes, is_pinned},
    policy,
};
use crate::layout::{METADATA, ROLLOUT, Rollout, TARGETS, rollout_role, rollout_target, stored_at};

/// A repository. Everything in it was signed by enough of those who have to.
#[derive(Debug)]
pub struct Repository {
    pub(super) folder: PathBuf,
    /// The root that counts: the last of an unbroken row.
    pub(super) root: Signed<Root>,
    pub(super) timestamp: Signed<Timestamp>,
    pub(super) snapshot: Signed<Snapshot>,
    pub(super) targets: Signed<Targets>,
    /// Roles of packs, by name.
    pub(super) roles: BTreeMap<String, Signed<Targets>>,
}

impl Repository {
    /// Reads one.
    pub fn open(folder: &Path) -> Result<Self> {
        let none = || PublishError::NoRepository(folder.to_owned());
        let files = Files { metadata: folder.join(METADATA) };
        let root = files.last_root()?.ok_or_else(none)?;
        let by = |kind| Authority::of_root(&root.signed, kind);
        // A repository is one from the moment it has a timestamp: that is written last.
        let bytes = files.read("timestamp.json")?.ok_or_else(none)?;
        let timestamp: Signed<Timestamp> = signed(&bytes, "timestamp", &by(RoleType::Timestamp))?;
        let pin = timestamp
            .signed
            .meta
            .get("snapshot.json")
            .ok_or_else(|| PublishError::unsound("timestamp.json", "it names no snapshot"))?;
        let bytes = files.pinned("snapshot", pin)?;
        let snapshot: Signed<Snapshot> = signed(&bytes, "snapshot", &by(RoleType::Snapshot))?;
        let listed =
            |role: &str| {
                snapshot.signed.meta.get(&format!("{role}.json")).ok_or_else(|| {
                    PublishError::unsound("the snapshot", format!("it does not name `{role}`"))
                })
            };
        let bytes = files.pinned("targets", listed("targets")?)?;
        let targets: Signed<Targets> = signed(&bytes, "targets", &by(RoleType::Targets))?;
        let mut roles = BTreeMap::new();
        for delegated in targets.signed.delegations.iter().flat_map(|delegations| &delegations.roles) {
            let name = &delegated.name;
            let authority = Authority::of_delegation(&targets.signed, name)
                .ok_or_else(|| PublishError::unsound("targets", format!("nobody may sign `{name}`")))?;
            let bytes = files.pinned(name, listed(name)?)?;
            roles.insert(name.clone(), signed(&bytes, name, &authority)?);
        }
        // A copy that somebody made up could else show a signer anything as what was there before.
        policy::check_root(&root.signed)?;
        policy::check_delegations(&targets.signed)?;
        Ok(Self { folder: folder.to_owned(), root, timestamp, snapshot, targets, roles })
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The version of the root that counts.
    pub fn root_version(&self) -> u64 {
        self.root.signed.version.get()
    }

    /// Packs that have a place in it.
    pub fn packs(&self) -> Vec<&str> {
        self.roles.keys().map(String::as_str).filter(|role| !role.ends_with(ROLLOUT)).collect()
    }

    /// Who gets the releases of a pack.
    pub fn rollout(&self, pack: &str) -> Result<Rollout> {
        let unknown = || PublishError::UnknownPack { pack: pack.to_owned() };
        let role = self.roles.get(&rollout_role(pack)).ok_or_else(unknown)?;
        let name = rollout_target(pack);
        let (_, target) =
            role.signed.targets.iter().find(|(found, _)| found.raw() == name).ok_or_else(unknown)?;
        let stored = stored_at(&name, &super::metadata::hex(&target.hashes));
        let content = self
            .content(&stored)?
            .ok_or_else(|| PublishError::NotWhole { target: name.clone(), how: "missing" })?;
        if super::metadata::hashes(&content).sha256 != target.hashes.sha256 {
            return Err(PublishError::NotWhole { target: name, how: "not the one that was signed" });
        }
        serde_json::from_slice(&content).map_err(|error| PublishError::unsound(name, error))
    }

    /// Writes a release as a pack, to be compared with a newer one.
    pub fn unpack(&self, pack: &str, version: &Version, to: &Path) -> Result<()> {
        let role = self.roles.get(pack).ok_or_else(|| PublishError::UnknownPack { pack: pack.to_owned() })?;
        unpack(&role.signed, pack, version, to, |stored| self.content(stored).ok().flatten())
    }

    /// Whose keys count.
    pub fn holders(&self) -> Vec<Holder> {
        holders(&self.root.signed, &self.targets.signed)
    }

    /// What a role says now.
    pub(super) fn role(&self, role: &str) -> Option<&Signed<Targets>> {
        if role == "targets" { Some(&self.targets) } else { self.roles.get(role) }
    }

    /// The root of a version; none if there is no such.
    pub(super) fn root_of(&self, version: std::num::NonZeroU64) -> Result<Option<Signed<Root>>> {
        let name = format!("{version}.root.json");
        let bytes = Files { metadata: self.folder.join(METADATA) }.read(&name)?;
        bytes.map(|bytes| from_bytes(&bytes, &name)).transpose()
    }

    /// Every key there is, each once.
    pub(super) fn keys(&self) -> Vec<PublicKey> {
        let delegated =
            self.targets.signed.delegations.iter().flat_map(|delegations| delegations.keys.values());
        let mut keys: Vec<PublicKey> = Vec::new();
        for key in self.root.signed.keys.values().chain(delegated).map(PublicKey::of) {
            if !keys.iter().any(|found| found.is_same_key(&key)) {
                keys.push(key);
            }
        }
        keys.sort_by_key(PublicKey::owner);
        keys
    }

    /// A file beneath `targets/`; none if it is not there.
    pub(super) fn content(&self, stored: &str) -> Result<Option<Vec<u8>>> {
        let path = self.folder.join(TARGETS).join(stored);
        match fs::read(&path) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PublishError::read(path)(error)),
        }
    }
}

/// Metadata that enough signed.
fn signed<T: Metadata>(bytes: &[u8], role: &str, authority: &Authority) -> Result<Signed<T>> {
    let document = from_bytes(bytes, role)?;
    all_differ(&authority.keys)?;
    authority.check(&document, &in_words(role))?;
    Ok(document)
}

/// The folder of metadata.
struct Files {
    metadata: PathBuf,
}

impl Files {
    /// A file; none if it is not there.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.metadata.join(name);
        if path.exists() { read_metadata(&path).map(Some) } else { Ok(None) }
    }

    /// The file of a role that something signed names.
    fn pinned(&self, role: &str, pin: &tough::schema::Metafile) -> Result<Vec<u8>> {
        let name = format!("{}.{role}.json", pin.version);
        let bytes = self.read(&name)?.ok_or_else(|| PublishError::unsound(&name, "it is missing"))?;
        if is_pinned(pin, &bytes) {
            Ok(bytes)
        } else {
            Err(PublishError::unsound(name, "it is not the one that was signed"))
        }
    }

    /// The last of the roots, each of which the one before vouches for.
    fn last_root(&self) -> Result<Option<Signed<Root>>> {
        let mut last: Option<Signed<Root>> = None;
        for version in 1_u64.. {
            let name = format!("{version}.root.json");
            let Some(bytes) = self.read(&name)? else { break };
            let root: Signed<Root> = from_bytes(&bytes, &name)?;
            if root.signed.version.get() != version {
                return Err(PublishError::unsound(&name, "it says that it is another version"));
            }
            for judge in last.iter().chain([&root]) {
                let authority = Authority::of_root(&judge.signed, RoleType::Root);
                all_differ(&authority.keys)?;
                authority.check(&root, &name)?;
            }
            last = Some(root);
        }
        Ok(last)
    }
}
