//! Publishing a pack: keys, drafts that people sign one after the other, and the folder devices receive from.
//!
//! None of it needs a home or a journal: an admin's machine, and a CI job, publish without being enrolled. What is signed
//! is decided by `firstlight-releases`; here packs are linted and compared before anybody signs, and keys are found.

mod drafts;
mod error;
mod inspecting;
mod keys;
mod rollout;

use std::path::Path;

use firstlight_contract::publishing::{OwnerView, PublishedView, RenewView, RingView};
/// An opened key.
pub use firstlight_releases::publish::SecretKey as Key;
use firstlight_releases::{
    layout::{METADATA, Ring},
    publish::{Holder, Published},
};
use sha2::{Digest as _, Sha256};

pub use self::{
    drafts::{NewPack, NewTeam, Reviewed, add_pack, begin, draft, publish, refresh, renew, replace, review},
    inspecting::verify,
    keys::{KeyPlace, keygen, open_key},
    rollout::{Change, rollout, watch},
};
use crate::{error::Result, view::count};

fn ring(pack: &str, ring: &Ring) -> RingView {
    RingView {
        pack: pack.to_owned(),
        version: ring.version.to_string(),
        share: ring.share,
        halted: ring.halted,
        reason: ring.reason.clone(),
    }
}

fn owner(holder: Holder) -> OwnerView {
    OwnerView { owner: holder.owner, fingerprint: holder.fingerprint, may: holder.may }
}

fn published(repository: &Path, done: &Published) -> Result<PublishedView> {
    let renew_soon =
        done.renew_soon.iter().map(|(what, at)| RenewView { what: what.clone(), expires: at.to_string() });
    Ok(PublishedView {
        repository: repository.display().to_string(),
        version: number(done.version),
        fresh_until: done.fresh_until.to_string(),
        renew_soon: renew_soon.collect(),
        root_sha256: root_sha256(repository)?,
    })
}

/// What devices enrol with.
fn root_sha256(repository: &Path) -> Result<String> {
    let path = repository.join(METADATA).join("1.root.json");
    let root = std::fs::read(&path).map_err(|error| error::unreadable(&path, &error))?;
    Ok(firstlight_domain::plan::hex(&Sha256::digest(root)))
}

fn number(number: u64) -> u32 {
    count(usize::try_from(number).unwrap_or(usize::MAX))
}
