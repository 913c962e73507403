//! Receiving: what a machine trusts, which release it takes, and how that becomes the pack in use.
//!
//! A machine enrols once, with an address, a pack and a root of trust. From then on [`Receiver::check`] asks what is new
//! and verifies it, [`Receiver::stage`] fetches the release this device takes, and [`Receiver::accept`] makes it the pack
//! in use. Everything that answers may be hostile: whatever goes wrong is a [`ReceiveError`] of its own, and the pack in
//! use stays as it is.
//!
//! One more way to be refused: a variant of [`ReceiveError`], a test in `tests/receive`, and its words in the app.

mod assemble;
mod choice;
mod client;
mod durable;
mod error;
mod fetch;
mod floor;
mod listing;
mod pack;
mod refusal;
mod repository;
mod store;
mod tuf_client;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::{
    choice::{Choice, HeldBack, Why},
    error::{ReceiveError, Result},
    fetch::{Limits, fetch_whole},
    pack::{Accepted, Staged},
    tuf_client::TufClient,
};
use self::{
    client::{Client, wanted},
    fetch::{Source, hex, is_there},
    floor::Release,
    listing::Listing,
    pack::Packs,
};
use crate::layout::{self, Rollout};

/// More than a list of who gets what may have.
const MAX_ROLLOUT: u64 = 256 * 1024;
/// More than a root may have.
const MAX_ROOT: u64 = 512_000;
/// How many roots there may be between the first and the one that is meant.
const MAX_ROOTS: u64 = 64;

/// Where a machine receives from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// The repository's address: the folder that holds `metadata` and `targets`.
    pub url: String,
    /// The pack that is received.
    pub pack: String,
}

/// What a machine begins to trust. There is no third way: a repository that vouches for itself vouches for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// A root that somebody handed over.
    Root(Vec<u8>),
    /// The fingerprint of a root that the repository has: SHA-256 of its file, hex.
    Fingerprint(String),
}

/// A machine that has enrolled.
pub struct Receiver {
    enrolment: Enrolment,
    client: Client,
    packs: Packs,
    limits: Limits,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("enrolment", &self.enrolment).finish_non_exhaustive()
    }
}

/// The pack in use, for whoever only reads.
pub fn accepted(root: &Path) -> Option<Accepted> {
    Packs::below(root).accepted()
}

/// Takes the pack in use as not there: it was changed on this machine, and the next update receives it again.
pub fn distrust(root: &Path) -> Result<()> {
    Packs::below(root)
        .distrust()
        .map_err(|source| ReceiveError::NotWritable { path: root.to_owned(), source })
}

/// Where this machine receives from; none if it has not enrolled.
pub fn enrolment(root: &Path) -> Result<Option<Enrolment>> {
    let path = root.join(ENROLMENT);
    match std::fs::read(&path) {
        Ok(content) => serde_json::from_slice(&content).map(Some).map_err(|error| {
            ReceiveError::NotUnderstood { what: path.display().to_string(), why: error.to_string() }
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ReceiveError::NotWritable { path, source }),
    }
}

/// Until when what the repository said last is good, as far as this machine remembers it. For saying so only: what is
/// read here was not verified anew.
pub fn good_until(root: &Path) -> Option<Timestamp> {
    client::good_until(&trust_folder(root, &enrolment(root).ok()??))
}

const ENROLMENT: &str = "enrolment.json";

/// What is trusted is kept apart for each repository and pack: what was seen of one says nothing about another.
fn trust_folder(root: &Path, enrolment: &Enrolment) -> PathBuf {
    let sum = Sha256::digest(format!("{}\0{}", enrolment.url, enrolment.pack));
    root.join("trust").join(&hex(&sum)[..16])
}

/// An address is kept in a file and shown: it has no place for a secret, and the repository's is a folder's.
fn check_address(address: &str) -> Result<()> {
    let bad = |why: &str| ReceiveError::NotUnderstood { what: "the address".to_owned(), why: why.to_owned() };
    let url = url::Url::parse(address).map_err(|error| bad(&error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it holds a name or password, which would be kept and shown"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("a repository is a folder, and has nothing behind `?` or `#`"));
    }
    Ok(())
}

fn source(enrolment: &Enrolment, limits: Limits) -> Result<Source> {
    let url = enrolment.url.trim_end_matches('/');
    Ok(Source::new(&format!("{url}/{}", layout::METADATA), &format!("{url}/{}", layout::TARGETS), limits)?)
}

impl Receiver {
    /// Begins to trust a repository, after asking it: it must be there, lead on from the root, and publish the pack. If
    /// not, the enrolment before stays.
    pub async fn enrol(
        root: &Path,
        enrolment: Enrolment,
        trust: Trust,
        limits: Limits,
        now: Timestamp,
    ) -> Result<Self> {
        layout::check_pack(&enrolment.pack)
            .map_err(|_| ReceiveError::NotPublished { pack: enrolment.pack.clone() })?;
        check_address(&enrolment.url)?;
        let source = source(&enrolment, limits)?;
        let first = match trust {
            Trust::Root(first) => first,
            Trust::Fingerprint(sum) => by_fingerprint(&source, &sum).await?,
        };
        let folder = trust_folder(root, &enrolment);
        let unwritable = |source| ReceiveError::NotWritable { path: root.to_owned(), source };
        // Tried beside what is trusted now, with what was seen so far: a root that leads nowhere changes nothing.
        let trial = folder.with_extension("new");
        durable::remove(&trial).map_err(unwritable)?;
        Client::begin_after(&folder, &trial, &first)?;
        let client = Client::open(&trial, source)?;
        let mut receiver = Self { enrolment, client, packs: Packs::below(root), limits };
        receiver.client.refresh(now).await?;
        receiver.rollout(now).await?;
        let known = folder.exists();
        if known {
            Client::begin(&folder, &first)?;
            durable::remove(&trial).map_err(unwritable)?;
        } else {
            std::fs::rename(&trial, &folder).map_err(unwritable)?;
            folder.parent().map_or(Ok(()), durable::sync_folder).map_err(unwritable)?;
        }
        let content = serde_json::to_vec_pretty(&receiver.enrolment).map_err(std::io::Error::from);
        content.and_then(|content| durable::write(&root.join(ENROLMENT), &content)).map_err(unwritable)?;
        let client = Client::open(&folder, receiver.client.source().clone())?;
        let mut receiver = Self { client, ..receiver };
        // What was seen may have been lost, which is why somebody enrols again: the pack in use still says how far it was.
        let pack = receiver.enrolment.pack.clone();
        if let Some(accepted) = receiver.accepted().filter(|_| known)
            && receiver.client.accepted(&pack).is_none()
        {
            receiver.client.accept(&pack, Release { version: accepted.version, digest: accepted.digest })?;
        }
        Ok(receiver)
    }

    /// Opens what this machine has enrolled with; none if it has not.
    pub fn open(root: &Path, limits: Limits) -> Result<Option<Self>> {
        let Some(enrolment) = enrolment(root)? else { return Ok(None) };
        let client = Client::open(&trust_folder(root, &enrolment), source(&enrolment, limits)?)?;
        Ok(Some(Self { enrolment, client, packs: Packs::below(root), limits }))
    }

    /// Where it receives from.
    pub fn enrolment(&self) -> &Enrolment {
        &self.enrolment
    }

    /// The pack in use.
    pub fn accepted(&self) -> Option<Accepted> {
        self.packs.accepted().filter(|accepted| accepted.pack == self.enrolment.pack)
    }

    /// Asks what is new, and chooses what this device takes.
    pub async fn check(&mut self, device: &str, now: Timestamp) -> Result<Choice> {
        self.client.refresh(now).await?;
        let rollout = self.rollout(now).await?;
        let have = self.client.accepted(&self.enrolment.pack).map(|release| &release.version);
        let whole = self.accepted().is_some_and(|accepted| Some(&accepted.version) == have);
        choice::choose(&rollout, device, have, whole)
    }

    /// Who gets which release, as it is signed.
    async fn rollout(&mut self, now: Timestamp) -> Result<Rollout> {
        let pack = self.enrolment.pack.clone();
        let path = layout::rollout_target(&pack);
        let target = self.client.target(&path, now).await;
        self.client.remember()?;
        let target = target?.ok_or_else(|| ReceiveError::NotPublished { pack: pack.clone() })?;
        if target.length > MAX_ROLLOUT {
            return Err(ReceiveError::TooLarge { what: path, limit: error::bytes(MAX_ROLLOUT) });
        }
        let to = self.packs.rollout();
        let unwritable = |source| ReceiveError::NotWritable { path: to.clone(), source };
        if !is_there(&to, &wanted(&target)).map_err(unwritable)? {
            to.parent().map_or(Ok(()), durable::make_folder).map_err(unwritable)?;
            self.client.fetch(&path, &target, &to).await?;
        }
        let content = std::fs::read(&to).map_err(unwritable)?;
        let not_understood = |why: String| ReceiveError::NotUnderstood { what: path.clone(), why };
        let rollout: Rollout =
            serde_json::from_slice(&content).map_err(|error| not_understood(error.to_string()))?;
        if rollout.pack != pack {
            return Err(not_understood(format!("it is about `{}`", rollout.pack)));
        }
        for release in &rollout.releases {
            layout::check_version(&release.version).map_err(|error| not_understood(error.to_string()))?;
        }
        Ok(rollout)
    }

    /// Fetches a release whole, beside the pack in use. `progress` is told how many bytes of how many have arrived.
    pub async fn stage(
        &mut self,
        version: &Version,
        now: Timestamp,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Staged> {
        let pack = self.enrolment.pack.clone();
        let listing = Listing::of(&mut self.client, &pack, version, &self.limits, now).await;
        self.client.remember()?;
        let listing = listing?;
        if let Some(seen) = self.client.accepted(&pack) {
            if *version < seen.version {
                return Err(ReceiveError::Downgrade { have: seen.version.clone(), offered: version.clone() });
            }
            if *version == seen.version && listing.digest != seen.digest {
                return Err(ReceiveError::Changed { version: version.clone() });
            }
        }
        self.packs.stage(&self.client, &pack, version, listing, progress).await
    }

    /// Makes a staged release the pack in use. The floor comes first: after a cut in between, the same release is
    /// received again, and never an older one. Older packs are removed, but for the one before and for `needed`.
    pub fn accept(&mut self, staged: &Staged, needed: Option<&Path>) -> Result<Accepted> {
        let release = Release { version: staged.version.clone(), digest: staged.digest.clone() };
        self.client.accept(&staged.pack, release)?;
        self.packs
            .switch(staged, needed)
            .map_err(|source| ReceiveError::NotWritable { path: staged.folder().to_owned(), source })
    }
}

/// The root with this fingerprint, among those the repository has.
async fn by_fingerprint(source: &Source, sum: &str) -> Result<Vec<u8>> {
    for version in 1..=MAX_ROOTS {
        let Some(root) = source.metadata(&format!("{version}.root.json"), MAX_ROOT).await? else { break };
        if hex(&Sha256::digest(&root)).eq_ignore_ascii_case(sum) {
            return Ok(root);
        }
    }
    Err(ReceiveError::BadRoot { why: "the repository has no root with this fingerprint".to_owned() })
}
