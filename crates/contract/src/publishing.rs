//! Publishing releases, as the commands of `firstlight pack` say it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::pack_diff::DiffView;

/// `firstlight pack keygen --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyView {
    /// Whose it is.
    pub owner: String,
    /// The first digits of the key, to be read out to each other.
    pub fingerprint: String,
    /// What `--key` calls it: a file, or `keychain:NAME`.
    pub key: String,
    /// The file to hand out.
    pub public: String,
}

/// A draft: `firstlight pack draft | sign | root … --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DraftView {
    /// Its folder.
    pub draft: String,
    /// Whose signature was added just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub signed_by: Option<String>,
    /// Whether enough signed everything.
    pub complete: bool,
    /// Who has to sign what.
    pub needs: Vec<NeedView>,
    /// Releases that are new.
    pub releases: Vec<NewReleaseView>,
    /// Who would get which release, for each pack this is about.
    pub rings: Vec<RingView>,
    /// Whose keys would count, where that changes.
    pub keys: Vec<OwnerView>,
    /// Whose keys would not count any more.
    pub keys_gone: Vec<OwnerView>,
}

/// One part of a draft that has to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NeedView {
    /// For example “what is in `acme`”.
    pub what: String,
    /// How many have to sign.
    pub threshold: u32,
    /// Who may.
    pub keys: Vec<String>,
    /// Who did.
    pub signed: Vec<String>,
}

/// A release in a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NewReleaseView {
    /// The pack.
    pub pack: String,
    /// Its version.
    pub version: String,
    /// How many files it has.
    pub files: u32,
    /// Whether none of this pack is published yet.
    #[serde(default)]
    pub is_first: bool,
    /// Against the newest release that is published; of the first one everything, as if version 0.0.0 had been empty.
    pub changes: DiffView,
}

/// Who gets a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RingView {
    /// The pack.
    pub pack: String,
    /// The release.
    pub version: String,
    /// The share of devices that get it, in per cent.
    pub share: u8,
    /// Whether those who do not have it yet do not get it.
    pub halted: bool,
    /// Why it was halted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
}

/// A key and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OwnerView {
    /// Whose it is.
    pub owner: String,
    /// The first digits of the key.
    pub fingerprint: String,
    /// What it may sign, in words.
    pub may: Vec<String>,
}

/// `firstlight pack publish | refresh --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PublishedView {
    /// The repository's folder.
    pub repository: String,
    /// How often it was published into and refreshed.
    pub version: u32,
    /// Until when devices take it as fresh (RFC 3339).
    pub fresh_until: String,
    /// What people should sign anew: more than half of its life is over.
    pub renew_soon: Vec<RenewView>,
    /// SHA-256 of the first root, by which devices enrol.
    pub root_sha256: String,
}

/// Something that expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RenewView {
    /// In words.
    pub what: String,
    /// When (RFC 3339).
    pub expires: String,
}

/// `firstlight pack rollout … --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RolloutView {
    /// How it is now.
    pub ring: RingView,
    /// What was published; nothing if nothing had to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub published: Option<PublishedView>,
    /// What the counts said, where they were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub verdict: Option<VerdictView>,
}

/// What counts of failures say about a release.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "says")]
#[ts(export)]
pub enum VerdictView {
    /// Too few runs so far.
    TooFew {
        /// Runs of the release that began.
        started: u32,
        /// Below this nothing is said.
        needed: u32,
    },
    /// Failures have not risen by more than chance explains.
    Fine {
        /// How likely as many failures are by chance.
        p: f64,
    },
    /// Failures have risen.
    Worse {
        /// How likely as many failures are by chance.
        p: f64,
    },
}

/// `firstlight pack verify --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RepositoryView {
    /// Whether devices take it: nothing expired, missing or damaged.
    pub ok: bool,
    /// Who signed what.
    pub roles: Vec<RoleView>,
    /// The releases on offer.
    pub releases: Vec<OfferView>,
    /// How many files there are.
    pub files: u32,
    /// Those that are not there.
    pub missing: Vec<String>,
    /// Those that are not the ones that were signed.
    pub damaged: Vec<String>,
    /// Whose keys count.
    pub keys: Vec<OwnerView>,
    /// SHA-256 of the first root, by which devices enrol.
    pub root_sha256: String,
}

/// One role of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RoleView {
    /// Its name.
    pub role: String,
    /// What it says, in words.
    pub says: String,
    /// Its version.
    pub version: u32,
    /// Who signed.
    pub signed: Vec<String>,
    /// How many have to.
    pub threshold: u32,
    /// Until when it holds (RFC 3339).
    pub expires: String,
    /// Whether it holds no more.
    pub expired: bool,
    /// Whether more than half of its life is over: sign it again.
    pub renew: bool,
}

/// A release on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfferView {
    /// Who gets it.
    pub ring: RingView,
    /// How many files it has.
    pub files: u32,
}
