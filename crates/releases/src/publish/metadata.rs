//! Metadata: reading, writing, signing, and who signed it.

use std::{collections::HashMap, num::NonZeroU64};

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use tough::schema::{
    Hashes, Metafile, Role, RoleKeys, RoleType, Root, Signature, Signed, Snapshot, Targets,
    Timestamp as TimestampRole,
    decoded::{Decoded, Hex},
    key::Key,
};

use super::{
    error::{PublishError, Result},
    key::{PublicKey, Signer},
};

/// The version of the specification that is followed.
pub(super) const SPEC: &str = "1.0.31";

/// How long what people sign holds.
pub(super) const BY_PEOPLE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How long the list of what belongs together holds.
pub(super) const SNAPSHOT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long it is known that there is nothing newer.
pub(super) const TIMESTAMP: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long metadata of a role holds.
fn life(kind: RoleType) -> SignedDuration {
    match kind {
        RoleType::Timestamp => TIMESTAMP,
        RoleType::Snapshot => SNAPSHOT,
        RoleType::Root | RoleType::Targets | RoleType::DelegatedTargets => BY_PEOPLE,
    }
}

/// Whether more than half of a role's life is over, so that it should be signed again.
pub fn is_past_half(role: &str, expires: Timestamp, now: Timestamp) -> bool {
    let kind = match role {
        "timestamp" => RoleType::Timestamp,
        "snapshot" => RoleType::Snapshot,
        _ => RoleType::Targets,
    };
    expires.duration_since(now) < life(kind) / 2
}

/// When something signed now expires; in whole seconds, as the specification writes them.
pub(super) fn expiry(kind: RoleType, now: Timestamp) -> Result<tuf_jiff::Timestamp> {
    let at = now.as_second().saturating_add(life(kind).as_secs());
    tuf_jiff::Timestamp::from_second(at).map_err(|error| PublishError::unsound("the clock", error))
}

/// The moment, as the rest of Firstlight counts it.
pub(super) fn moment(at: tuf_jiff::Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(Timestamp::MIN)
}

/// The version after this one.
pub(super) fn next(version: NonZeroU64) -> Result<NonZeroU64> {
    version.checked_add(1).ok_or_else(|| PublishError::unsound("a version", "it is the last there can be"))
}

/// Metadata of a role, and what has to be known of each kind.
pub(super) trait Metadata: Role + Serialize + DeserializeOwned + Clone {}
impl Metadata for Root {}
impl Metadata for Targets {}
impl Metadata for Snapshot {}
impl Metadata for TimestampRole {}

/// Not signed yet.
pub(super) fn unsigned<T>(signed: T) -> Signed<T> {
    Signed { signed, signatures: Vec::new() }
}

/// As it is written: the same bytes for the same content.
pub(super) fn to_bytes<T: Metadata>(document: &Signed<T>, what: &str) -> Result<Vec<u8>> {
    let fault = |error: serde_json::Error| PublishError::unsound(what, error);
    let mut value = serde_json::to_value(document).map_err(fault)?;
    value.sort_all_objects();
    serde_json::to_vec_pretty(&value).map_err(fault)
}

/// What was written.
pub(super) fn from_bytes<T: Metadata>(bytes: &[u8], what: &str) -> Result<Signed<T>> {
    serde_json::from_slice(bytes).map_err(|error| PublishError::unsound(what, error))
}

/// Adds a signature, in the name of the key as metadata calls it.
pub(super) fn sign<T: Metadata>(
    document: &mut Signed<T>,
    signer: &dyn Signer,
    key: &PublicKey,
    what: &str,
) -> Result<()> {
    let bytes = document.signed.canonical_form().map_err(|error| PublishError::unsound(what, error))?;
    let sig = signer.sign(&bytes)?;
    let keyid = key.id()?;
    document.signatures.retain(|signature| signature.keyid != keyid);
    document.signatures.push(Signature { keyid, sig: sig.into() });
    if is_signed_by(document, key) {
        Ok(())
    } else {
        Err(super::key::SignerError::Refused("what it gave is not its signature".to_owned()).into())
    }
}

/// Whether a key's signature is there and right.
pub(super) fn is_signed_by<T: Metadata>(document: &Signed<T>, key: &PublicKey) -> bool {
    // One key that is enough: the library is asked about each by itself, whatever kind it is.
    let Ok(keyid) = key.id() else { return false };
    let judge = Root {
        spec_version: SPEC.to_owned(),
        consistent_snapshot: true,
        version: NonZeroU64::MIN,
        expires: tuf_jiff::Timestamp::UNIX_EPOCH,
        keys: HashMap::from([(keyid.clone(), key.tuf().clone())]),
        roles: HashMap::from([(T::TYPE, role_keys(vec![keyid], NonZeroU64::MIN))]),
        _extra: HashMap::new(),
    };
    judge.verify_role(document).is_ok()
}

/// Who may sign something, and how many have to.
#[derive(Debug, Clone)]
pub(super) struct Authority {
    pub(super) keys: Vec<PublicKey>,
    pub(super) threshold: u64,
}

impl Authority {
    /// Those a root names for one of the roles every repository has.
    pub(super) fn of_root(root: &Root, kind: RoleType) -> Self {
        let threshold = root.roles.get(&kind).map_or(u64::MAX, |role| role.threshold.get());
        Self { keys: root.keys(kind).map(PublicKey::of).collect(), threshold }
    }

    /// Those the targets name for a pack's role.
    pub(super) fn of_delegation(targets: &Targets, role: &str) -> Option<Self> {
        let delegations = targets.delegations.as_ref()?;
        let found = delegations.roles.iter().find(|found| found.name == role)?;
        let keys = found.keyids.iter().filter_map(|id| delegations.keys.get(id)).map(PublicKey::of);
        Some(Self { keys: keys.collect(), threshold: found.threshold.get() })
    }

    /// Who of them signed. One key under two names counts once.
    pub(super) fn signed<T: Metadata>(&self, document: &Signed<T>) -> Vec<PublicKey> {
        let mut found: Vec<PublicKey> = Vec::new();
        for key in self.keys.iter().filter(|key| is_signed_by(document, key)) {
            if !found.iter().any(|other| other.is_same_key(key)) {
                found.push(key.clone());
            }
        }
        found
    }

    /// Refuses what too few of them signed.
    pub(super) fn check<T: Metadata>(&self, document: &Signed<T>, what: &str) -> Result<()> {
        let signed = self.signed(document);
        if signed.len() as u64 >= self.threshold {
            return Ok(());
        }
        Err(PublishError::TooFewSignatures {
            what: what.to_owned(),
            threshold: self.threshold,
            keys: owners(&self.keys),
            signed: owners(&signed),
        })
    }

    /// Whether what is signed by enough of these is signed by enough of the others as well.
    pub(super) fn implies(&self, other: &Self) -> bool {
        self.threshold >= other.threshold && self.keys.iter().all(|key| other.find(key).is_some())
    }

    /// The name metadata has for this key.
    pub(super) fn find(&self, key: &PublicKey) -> Option<&PublicKey> {
        self.keys.iter().find(|found| found.is_same_key(key))
    }
}

/// Whose keys these are.
pub(super) fn owners(keys: &[PublicKey]) -> Vec<String> {
    keys.iter().map(PublicKey::owner).collect()
}

/// Refuses two keys that are one.
pub(super) fn all_differ(keys: &[PublicKey]) -> Result<()> {
    for (at, one) in keys.iter().enumerate() {
        if let Some(other) = keys[..at].iter().find(|other| other.is_same_key(one)) {
            return Err(PublishError::SameKey { one: other.owner(), other: one.owner() });
        }
    }
    Ok(())
}

pub(super) fn role_keys(keyids: Vec<Decoded<Hex>>, threshold: NonZeroU64) -> RoleKeys {
    RoleKeys { keyids, threshold, _extra: HashMap::new() }
}

/// Keys by the ids metadata calls them by.
pub(super) fn by_id<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Result<HashMap<Decoded<Hex>, Key>> {
    keys.into_iter().map(|key| Ok((key.id()?, key.tuf().clone()))).collect()
}

/// Ids, in the order of the keys.
pub(super) fn ids<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Result<Vec<Decoded<Hex>>> {
    keys.into_iter().map(PublicKey::id).collect()
}

/// What pins a file of metadata: its version, size and hash.
pub(super) fn pin(version: NonZeroU64, bytes: &[u8]) -> Metafile {
    Metafile {
        length: Some(bytes.len() as u64),
        hashes: Some(hashes(bytes)),
        version,
        _extra: HashMap::new(),
    }
}

/// Whether a file is the one that was pinned.
pub(super) fn is_pinned(pin: &Metafile, bytes: &[u8]) -> bool {
    pin.length.is_none_or(|length| length == bytes.len() as u64)
        && pin.hashes.as_ref().is_none_or(|hashes| *hashes.sha256 == *Sha256::digest(bytes))
}

pub(super) fn hashes(bytes: &[u8]) -> Hashes {
    Hashes { sha256: Sha256::digest(bytes).to_vec().into(), _extra: HashMap::new() }
}

/// The digits of a hash.
pub(super) fn hex(hashes: &Hashes) -> String {
    digits(&hashes.sha256)
}

/// Bytes as they are written.
pub(super) fn digits(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
