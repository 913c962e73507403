//! Whose keys count: the first root, a place for a pack, another key for one that was lost or leaked, another year.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroU64,
};

use firstlight_domain::id::PackName;
use jiff::Timestamp;
use tough::schema::{
    DelegatedRole, Delegations, PathPattern, PathSet, RoleType, Root, Signed, Targets,
    decoded::{Decoded, Hex},
    key::Key,
};

use super::{
    change::Change,
    error::{PublishError, Result},
    key::PublicKey,
    metadata::{SPEC, all_differ, by_id, expiry, ids, next, owners, role_keys, unsigned},
    release::set_rollout,
    repository::Repository,
};
use crate::layout::{ROLLOUT, Rollout, check_pack, patterns, role, rollout_role, rollout_target};

/// What two people have to sign.
const BOTH: NonZeroU64 = NonZeroU64::MIN.saturating_add(1);

/// Whose keys a new repository begins with.
#[derive(Debug, Clone)]
pub struct Team {
    /// Of somebody who runs the platform.
    pub platform: PublicKey,
    /// Of somebody who answers for security.
    pub security: PublicKey,
    /// For the day one of the two is lost: kept in a safe, and good for nothing but new roots.
    pub spares: Vec<PublicKey>,
    /// Of the machine that says every few days that nothing is newer.
    pub online: PublicKey,
    /// Of the machine that may halt a release, besides the two.
    pub rollout: Option<PublicKey>,
}

/// The first root, and an empty place for each pack.
pub fn begin(team: &Team, packs: &[PackName], now: Timestamp) -> Result<Change> {
    let people: Vec<PublicKey> =
        [&team.platform, &team.security].into_iter().chain(&team.spares).cloned().collect();
    // Whoever has the online key must not be one of those who sign releases.
    let online = [&team.online].into_iter().chain(&team.rollout);
    for key in online.clone() {
        all_differ(&people.iter().chain([key]).cloned().collect::<Vec<_>>())?;
    }
    let signers = [&team.platform, &team.security];
    let roles = HashMap::from([
        (RoleType::Root, role_keys(ids(&people)?, BOTH)),
        (RoleType::Targets, role_keys(ids(signers)?, BOTH)),
        (RoleType::Snapshot, role_keys(ids([&team.online])?, NonZeroU64::MIN)),
        (RoleType::Timestamp, role_keys(ids([&team.online])?, NonZeroU64::MIN)),
    ]);
    let root = Root {
        spec_version: SPEC.to_owned(),
        consistent_snapshot: true,
        version: NonZeroU64::MIN,
        expires: expiry(RoleType::Root, now)?,
        keys: by_id(people.iter().chain([&team.online]))?,
        roles,
        _extra: HashMap::new(),
    };
    let mut change = Change { roots: vec![unsigned(root)], ..Change::default() };
    let mut targets = empty_targets(now)?;
    let mut delegations = Delegations { keys: HashMap::new(), roles: Vec::new() };
    for pack in packs {
        let signers = Signers { both: signers.map(Clone::clone), rollout: team.rollout.clone() };
        delegate(&mut change, &mut delegations, pack, &signers, now)?;
    }
    targets.delegations = Some(delegations);
    change.roles.insert("targets".to_owned(), unsigned(targets));
    Ok(change)
}

/// A place for one more pack, signed by the same two.
pub fn add_pack(
    published: &Repository,
    pack: &PackName,
    rollout: Option<PublicKey>,
    now: Timestamp,
) -> Result<Change> {
    if published.roles.contains_key(pack.as_str()) {
        return Err(PublishError::PackExists { pack: pack.to_string() });
    }
    let both: Vec<PublicKey> = published.root.signed.keys(RoleType::Targets).map(PublicKey::of).collect();
    let both = <[PublicKey; 2]>::try_from(both)
        .map_err(|_| PublishError::unsound("the root", "not two people sign who may publish"))?;
    all_differ(&both.iter().chain(&rollout).cloned().collect::<Vec<_>>())?;
    let mut change = Change::default();
    let mut targets = again(&published.targets, now)?;
    let mut delegations = targets.signed.delegations.take().unwrap_or_default();
    delegate(&mut change, &mut delegations, pack, &Signers { both, rollout }, now)?;
    targets.signed.delegations = Some(delegations);
    change.roles.insert("targets".to_owned(), targets);
    Ok(change)
}

/// Another key for one that was lost or leaked, everywhere it counts.
///
/// Where roots change there are two: the first lets both keys count, so that what is published goes on holding until
/// everything is signed anew, and the second only the new one. A reader meets a sound repository at every moment.
pub fn replace_key(published: &Repository, old: &str, new: &PublicKey, now: Timestamp) -> Result<Change> {
    let keys = published.keys();
    let mut found = keys.iter().filter(|key| key.owner() == old || key.fingerprint() == old);
    let (Some(old), None) = (found.next(), found.next()) else {
        return Err(PublishError::UnknownKey { name: old.to_owned(), keys: owners(&keys) });
    };
    if let Some(same) = keys.iter().find(|key| key.is_same_key(new)) {
        return Err(PublishError::SameKey { one: same.owner(), other: new.owner() });
    }
    let swap = Swap { old, new, new_id: new.id()? };
    let mut change = Change { roots: swap.roots(&published.root, now)?, ..Change::default() };
    let root = &published.root.signed;
    let signed_targets = root.keys(RoleType::Targets).any(|key| PublicKey::of(key).is_same_key(old));
    let mut targets = again(&published.targets, now)?;
    let touched =
        targets.signed.delegations.as_mut().map_or_else(|| Ok(Vec::new()), |all| swap.delegations(all))?;
    if signed_targets || !touched.is_empty() {
        change.roles.insert("targets".to_owned(), targets);
    }
    for role in touched {
        if let Some(document) = published.roles.get(&role) {
            change.roles.insert(role, again(document, now)?);
        }
    }
    carry_rollouts(&mut change, published)?;
    Ok(change)
}

/// The same again for another year.
pub fn renew(published: &Repository, now: Timestamp) -> Result<Change> {
    let mut root = published.root.signed.clone();
    root.version = next(root.version)?;
    root.expires = expiry(RoleType::Root, now)?;
    let mut roles = BTreeMap::from([("targets".to_owned(), again(&published.targets, now)?)]);
    for (role, document) in &published.roles {
        roles.insert(role.clone(), again(document, now)?);
    }
    let mut change = Change { roots: vec![unsigned(root)], roles, contents: BTreeMap::new() };
    carry_rollouts(&mut change, published)?;
    Ok(change)
}

/// Lets a draft say who gets what also where that is as before: it is short, and whoever signs sees it.
fn carry_rollouts(change: &mut Change, published: &Repository) -> Result<()> {
    for (role, document) in &mut change.roles {
        if let Some(pack) = role.strip_suffix(ROLLOUT) {
            set_rollout(&mut document.signed, &mut change.contents, &published.rollout(pack)?)?;
        }
    }
    Ok(())
}

/// The next version of a role, unsigned.
pub(super) fn again(document: &Signed<Targets>, now: Timestamp) -> Result<Signed<Targets>> {
    let mut signed = document.signed.clone();
    signed.version = next(signed.version)?;
    signed.expires = expiry(RoleType::Targets, now)?;
    Ok(unsigned(signed))
}

fn empty_targets(now: Timestamp) -> Result<Targets> {
    Ok(Targets::new(SPEC.to_owned(), NonZeroU64::MIN, expiry(RoleType::Targets, now)?))
}

/// Who signs a pack.
struct Signers {
    both: [PublicKey; 2],
    rollout: Option<PublicKey>,
}

/// Makes a place for a pack: two roles, both empty so far.
fn delegate(
    change: &mut Change,
    delegations: &mut Delegations,
    pack: &PackName,
    signers: &Signers,
    now: Timestamp,
) -> Result<()> {
    let pack = pack.as_str();
    check_pack(pack)?;
    let any: Vec<&PublicKey> = signers.both.iter().chain(&signers.rollout).collect();
    delegations.keys.extend(by_id(any.iter().copied())?);
    let paths = |paths: Vec<String>| -> Result<PathSet> {
        let patterns = paths.into_iter().map(PathPattern::new).collect::<std::result::Result<_, _>>();
        Ok(PathSet::Paths(patterns.map_err(|error| PublishError::unsound(pack, error))?))
    };
    delegations.roles.push(DelegatedRole {
        name: role(pack).to_owned(),
        keyids: ids(&signers.both)?,
        threshold: BOTH,
        paths: paths(patterns(pack))?,
        terminating: true,
        targets: None,
    });
    delegations.roles.push(DelegatedRole {
        name: rollout_role(pack),
        keyids: ids(any)?,
        threshold: NonZeroU64::MIN,
        paths: paths(vec![rollout_target(pack)])?,
        terminating: true,
        targets: None,
    });
    change.roles.insert(role(pack).to_owned(), unsigned(empty_targets(now)?));
    let mut rollout = empty_targets(now)?;
    let nobody = Rollout { pack: pack.to_owned(), releases: Vec::new() };
    set_rollout(&mut rollout, &mut change.contents, &nobody)?;
    change.roles.insert(rollout_role(pack), unsigned(rollout));
    Ok(())
}

/// One key for another.
struct Swap<'a> {
    old: &'a PublicKey,
    new: &'a PublicKey,
    new_id: Decoded<Hex>,
}

impl Swap<'_> {
    fn is_old(&self, keys: &HashMap<Decoded<Hex>, Key>, id: &Decoded<Hex>) -> bool {
        keys.get(id).is_some_and(|key| PublicKey::of(key).is_same_key(self.old))
    }

    /// Two roots, or none if the old key counts in none.
    fn roots(&self, published: &Signed<Root>, now: Timestamp) -> Result<Vec<Signed<Root>>> {
        let before = &published.signed;
        if !before.keys.keys().any(|id| self.is_old(&before.keys, id)) {
            return Ok(Vec::new());
        }
        let mut both = before.clone();
        both.version = next(before.version)?;
        both.expires = expiry(RoleType::Root, now)?;
        both.keys.insert(self.new_id.clone(), self.new.tuf().clone());
        for role in both.roles.values_mut() {
            if role.keyids.iter().any(|id| self.is_old(&before.keys, id)) {
                role.keyids.push(self.new_id.clone());
            }
        }
        let mut after = both.clone();
        after.version = next(both.version)?;
        after.keys.retain(|id, _| !self.is_old(&before.keys, id));
        for role in after.roles.values_mut() {
            role.keyids.retain(|id| !self.is_old(&before.keys, id));
        }
        Ok(vec![unsigned(both), unsigned(after)])
    }

    /// The roles it was replaced in.
    fn delegations(&self, delegations: &mut Delegations) -> Result<Vec<String>> {
        let mut touched = Vec::new();
        for role in &mut delegations.roles {
            let before = role.keyids.len();
            role.keyids.retain(|id| !self.is_old(&delegations.keys, id));
            if role.keyids.len() < before {
                role.keyids.push(self.new_id.clone());
                touched.push(role.name.clone());
            }
        }
        if !touched.is_empty() {
            delegations.keys.retain(|_, key| !PublicKey::of(key).is_same_key(self.old));
            delegations.keys.extend(by_id([self.new])?);
        }
        Ok(touched)
    }
}
