//! Whose keys count, and for what.

use tough::schema::{RoleType, Root, Targets};

use super::{change::in_words, key::PublicKey, metadata::Authority};

/// A key, its owner, and what it may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Whose it is.
    pub owner: String,
    /// The first digits of the key, to be compared with its owner.
    pub fingerprint: String,
    /// What it may sign, in words.
    pub may: Vec<String>,
}

/// Everybody whose key counts, by owner.
pub(super) fn holders(root: &Root, targets: &Targets) -> Vec<Holder> {
    let of_root = [
        ("root", RoleType::Root),
        ("targets", RoleType::Targets),
        ("snapshot", RoleType::Snapshot),
        ("timestamp", RoleType::Timestamp),
    ];
    let of_root = of_root.map(|(role, kind)| (role, Authority::of_root(root, kind)));
    let delegated = targets.delegations.iter().flat_map(|delegations| &delegations.roles);
    let delegated = delegated
        .filter_map(|role| Some((role.name.as_str(), Authority::of_delegation(targets, &role.name)?)));
    let mut found: Vec<(PublicKey, Holder)> = Vec::new();
    for (role, authority) in of_root.into_iter().chain(delegated) {
        for key in authority.keys {
            match found.iter_mut().find(|(other, _)| other.is_same_key(&key)) {
                Some((_, holder)) => holder.may.push(in_words(role)),
                None => {
                    let holder = Holder {
                        owner: key.owner(),
                        fingerprint: key.fingerprint(),
                        may: vec![in_words(role)],
                    };
                    found.push((key, holder));
                }
            }
        }
    }
    let mut holders: Vec<Holder> = found.into_iter().map(|(_, holder)| holder).collect();
    holders.sort_by(|one, other| one.owner.cmp(&other.owner));
    holders
}
