//! What a repository says, for people: who signed what, until when it holds, and whether every file is there.

use std::path::Path;

use jiff::Timestamp;
use tough::schema::RoleType;

use super::{
    change::in_words,
    error::Result,
    holders::Holder,
    metadata::{Authority, Metadata, hashes, hex, is_past_half, moment, owners},
    repository::Repository,
};
use crate::layout::{Ring, stored_at};

/// A whole repository.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Each role that signs something.
    pub roles: Vec<RoleReport>,
    /// Each release on offer.
    pub releases: Vec<ReleaseReport>,
    /// Targets that are not there.
    pub missing: Vec<String>,
    /// Targets that are not the ones that were signed.
    pub damaged: Vec<String>,
    /// How many targets there are.
    pub files: usize,
    /// Whose keys count, by owner.
    pub keys: Vec<Holder>,
}

/// One role.
#[derive(Debug, Clone)]
pub struct RoleReport {
    /// Its name.
    pub role: String,
    /// What it says, in words.
    pub says: String,
    /// Its version.
    pub version: u64,
    /// Who signed.
    pub signed: Vec<String>,
    /// How many have to.
    pub threshold: u64,
    /// Who may.
    pub keys: Vec<String>,
    /// Until when it holds.
    pub expires: Timestamp,
    /// Whether it holds no more.
    pub is_expired: bool,
    /// Whether more than half of its life is over.
    pub is_past_half: bool,
}

/// One release.
#[derive(Debug, Clone)]
pub struct ReleaseReport {
    /// The pack.
    pub pack: String,
    /// Who gets it.
    pub ring: Ring,
    /// How many files it has.
    pub files: usize,
}

impl Inspection {
    /// Whether devices take it: everything holds and is there.
    pub fn is_sound(&self) -> bool {
        self.missing.is_empty() && self.damaged.is_empty() && !self.roles.iter().any(|role| role.is_expired)
    }
}

/// Looks at everything. What is signed by too few is an error.
pub fn inspect(folder: &Path, now: Timestamp) -> Result<Inspection> {
    let repository = Repository::open(folder)?;
    let mut inspection = Inspection {
        roles: roles(&repository, now),
        releases: Vec::new(),
        missing: Vec::new(),
        damaged: Vec::new(),
        files: 0,
        keys: repository.holders(),
    };
    for document in repository.roles.values() {
        for (name, target) in &document.signed.targets {
            inspection.files += 1;
            match repository.content(&stored_at(name.raw(), &hex(&target.hashes)))? {
                None => inspection.missing.push(name.raw().to_owned()),
                Some(content) if hashes(&content).sha256 != target.hashes.sha256 => {
                    inspection.damaged.push(name.raw().to_owned());
                }
                Some(_) => {}
            }
        }
    }
    inspection.missing.sort_unstable();
    inspection.damaged.sort_unstable();
    // Without it nothing is known of releases; it is among those that are missing.
    for pack in repository.packs() {
        let Ok(rollout) = repository.rollout(pack) else { continue };
        for ring in rollout.releases {
            let prefix = crate::layout::release_prefix(pack, &ring.version);
            let files = repository.roles.get(pack).map_or(0, |role| {
                role.signed.targets.keys().filter(|name| name.raw().starts_with(&prefix)).count()
            });
            inspection.releases.push(ReleaseReport { pack: pack.to_owned(), ring, files });
        }
    }
    Ok(inspection)
}

fn roles(repository: &Repository, now: Timestamp) -> Vec<RoleReport> {
    let root = &repository.root.signed;
    let by = |kind| Authority::of_root(root, kind);
    let mut roles = vec![
        report("root", &repository.root, &by(RoleType::Root), moment(root.expires), now),
        report(
            "targets",
            &repository.targets,
            &by(RoleType::Targets),
            moment(repository.targets.signed.expires),
            now,
        ),
    ];
    for (role, document) in &repository.roles {
        if let Some(authority) = Authority::of_delegation(&repository.targets.signed, role) {
            roles.push(report(role, document, &authority, moment(document.signed.expires), now));
        }
    }
    let snapshot = &repository.snapshot;
    roles.push(report("snapshot", snapshot, &by(RoleType::Snapshot), moment(snapshot.signed.expires), now));
    let timestamp = &repository.timestamp;
    roles.push(report(
        "timestamp",
        timestamp,
        &by(RoleType::Timestamp),
        moment(timestamp.signed.expires),
        now,
    ));
    roles
}

fn report<T: Metadata>(
    role: &str,
    document: &tough::schema::Signed<T>,
    authority: &Authority,
    expires: Timestamp,
    now: Timestamp,
) -> RoleReport {
    RoleReport {
        role: role.to_owned(),
        says: in_words(role),
        version: document.signed.version().get(),
        signed: owners(&authority.signed(document)),
        threshold: authority.threshold,
        keys: owners(&authority.keys),
        expires,
        is_expired: expires <= now,
        is_past_half: is_past_half(role, expires, now),
    }
}
