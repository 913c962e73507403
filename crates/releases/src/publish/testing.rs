//! A repository in a folder, in a few lines, with keys that are always the same and a clock that is handed in.
//!
//! ```ignore
//! let desk = Desk::new(folder, "acme", now);
//! desk.release(&Version::new(1, 0, 0), &[("pack.yaml", "…")], 100, now);
//! let root = std::fs::read(folder.join("metadata/1.root.json"))?;
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "for tests, which end here with what went wrong"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use firstlight_domain::id::PackName;
use jiff::Timestamp;
use semver::Version;

use super::{
    Change, NewRelease, PublicKey, Published, RealDisk, Repository, SecretKey, Signer as _, Step, Team,
    begin, change_rollout, draft_release, publish, refresh,
};

/// Everybody's keys, and the folder they publish into.
#[derive(Debug)]
pub struct Desk {
    /// The repository's folder.
    pub folder: PathBuf,
    /// The pack's name.
    pub pack: String,
    /// Ada's, of the platform team.
    pub platform: SecretKey,
    /// Bo's, of the security team.
    pub security: SecretKey,
    /// In a safe.
    pub spare: SecretKey,
    /// A machine's.
    pub online: SecretKey,
    /// A machine's that may halt releases.
    pub rollout: SecretKey,
}

impl Desk {
    /// Nothing is published yet.
    pub fn unpublished(folder: &Path, pack: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            pack: pack.to_owned(),
            platform: SecretKey::of_seed([1; 32]),
            security: SecretKey::of_seed([2; 32]),
            spare: SecretKey::of_seed([3; 32]),
            online: SecretKey::of_seed([4; 32]),
            rollout: SecretKey::of_seed([5; 32]),
        }
    }

    /// A published repository without releases.
    pub fn new(folder: &Path, pack: &str, now: Timestamp) -> Self {
        let desk = Self::unpublished(folder, pack);
        let packs = [PackName::new(pack).unwrap()];
        let change = begin(&desk.team(), &packs, now).unwrap();
        desk.publish(change, now);
        desk
    }

    /// Whose keys count.
    pub fn team(&self) -> Team {
        Team {
            platform: named(&self.platform, "Ada, platform"),
            security: named(&self.security, "Bo, security"),
            spares: vec![named(&self.spare, "the safe")],
            online: named(&self.online, "the publisher"),
            rollout: Some(named(&self.rollout, "the hub")),
        }
    }

    /// What is published now.
    pub fn repository(&self) -> Repository {
        Repository::open(&self.folder).unwrap()
    }

    /// Drafts a release of these files.
    pub fn draft(&self, version: &Version, files: &[(&str, &str)], share: u8, now: Timestamp) -> Change {
        let source = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = source.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let release = NewRelease { pack: &self.pack, version, folder: source.path(), share, keep: 3 };
        draft_release(&self.repository(), &release, now).unwrap()
    }

    /// Publishes a release of these files to a share of devices, in per cent.
    pub fn release(&self, version: &Version, files: &[(&str, &str)], share: u8, now: Timestamp) -> Published {
        self.publish(self.draft(version, files, share, now), now)
    }

    /// Signs for both, and publishes.
    pub fn publish(&self, mut change: Change, now: Timestamp) -> Published {
        let published = Repository::open(&self.folder).ok();
        change.sign(published.as_ref(), &self.platform).unwrap();
        change.sign(published.as_ref(), &self.security).unwrap();
        publish(&self.folder, change, &self.online, now, &RealDisk).unwrap()
    }

    /// Changes who gets a release.
    pub fn rollout(&self, version: &Version, step: &Step, now: Timestamp) -> Published {
        let published = self.repository();
        let mut change = change_rollout(&published, &self.pack, version, step, now).unwrap();
        change.sign(Some(&published), &self.rollout).unwrap();
        publish(&self.folder, change, &self.online, now, &RealDisk).unwrap()
    }

    /// Says that nothing is newer.
    pub fn refresh(&self, now: Timestamp) -> Published {
        refresh(&self.folder, &self.online, now, &RealDisk).unwrap()
    }
}

/// A key's public half, with whose it is.
pub fn named(key: &SecretKey, owner: &str) -> PublicKey {
    key.public().owned_by(owner).unwrap()
}
