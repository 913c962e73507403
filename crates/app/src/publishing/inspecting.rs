//! `pack verify`: what a repository says, and whether it is whole.

use std::path::Path;

use firstlight_contract::publishing::{OfferView, RepositoryView, RoleView};
use firstlight_releases::publish::inspect;
use jiff::Timestamp;

use super::{number, owner, ring, root_sha256};
use crate::{error::Result, view::count};

/// Looks at a repository as devices do, and at every file.
pub fn verify(repository: &Path, now: Timestamp) -> Result<RepositoryView> {
    let found = inspect(repository, now)?;
    Ok(RepositoryView {
        ok: found.is_sound(),
        root_sha256: root_sha256(repository)?,
        files: count(found.files),
        roles: found
            .roles
            .into_iter()
            .map(|role| RoleView {
                role: role.role,
                says: role.says,
                version: number(role.version),
                signed: role.signed,
                threshold: number(role.threshold),
                expires: role.expires.to_string(),
                expired: role.is_expired,
                renew: role.is_past_half,
            })
            .collect(),
        releases: found
            .releases
            .iter()
            .map(|release| OfferView {
                ring: ring(&release.pack, &release.ring),
                files: count(release.files),
            })
            .collect(),
        missing: found.missing,
        damaged: found.damaged,
        keys: found.keys.into_iter().map(owner).collect(),
    })
}
