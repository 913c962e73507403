//! What a change must keep to before it is published, whoever made it: two people, one after the other, whole.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tough::schema::{DelegatedRole, PathPattern, PathSet, RoleType, Root, Signed, Targets};

use super::{
    change::{Change, in_words},
    error::{PublishError, Result},
    key::PublicKey,
    metadata::{Authority, all_differ, hashes, hex, moment},
    release::{check_target, share, versions},
    repository::Repository,
};
use crate::layout::{
    ROLLOUT, check_pack, check_paths, patterns, release_prefix, rollout_role, rollout_target, stored_at,
};

/// Refuses a change that may not be published.
pub(super) fn check(change: &Change, published: Option<&Repository>, now: Timestamp) -> Result<()> {
    check_order(change, published)?;
    check_expiry(change, now)?;
    for root in &change.roots {
        check_root(&root.signed)?;
    }
    if let Some(targets) = change.roles.get("targets") {
        check_delegations(&targets.signed)?;
    }
    change.check_signatures(published)?;
    if let (Some(targets), None) = (published.map(|old| &old.targets), change.roles.get("targets")) {
        // Not part of the change, but read with its root.
        let authority = Authority::of_root(change.root(published)?, RoleType::Targets);
        authority.check(targets, &in_words("targets"))?;
    }
    check_releases(change, published)?;
    check_files(change, published)
}

/// What is published stays what it is, what is new is newer, and who gets what speaks of what there is.
fn check_releases(change: &Change, published: Option<&Repository>) -> Result<()> {
    for (role, document) in change.roles.iter().filter(|(role, _)| role.as_str() != "targets") {
        let before = published.and_then(|old| old.roles.get(role));
        if let Some(pack) = role.strip_suffix(ROLLOUT) {
            let content = change.roles.get(pack).or_else(|| published.and_then(|old| old.roles.get(pack)));
            let there = content.map(|content| versions(pack, &content.signed)).unwrap_or_default();
            for ring in change.rollout(pack)?.releases {
                share(ring.share)?;
                if !there.contains(&ring.version) {
                    return Err(PublishError::UnknownRelease {
                        pack: pack.to_owned(),
                        version: ring.version,
                    });
                }
            }
            continue;
        }
        let Some(before) = before else { continue };
        let old = versions(role, &before.signed);
        for (name, target) in &document.signed.targets {
            let same = before.signed.targets.get(name).map(|there| there.hashes == target.hashes);
            let is_old = old.iter().any(|old| name.raw().starts_with(&release_prefix(role, old)));
            if same == Some(false) || (same.is_none() && is_old) {
                return Err(PublishError::Changed { target: name.raw().to_owned() });
            }
        }
        for new in versions(role, &document.signed).difference(&old) {
            if let Some(newest) = old.iter().max().filter(|newest| *newest > new) {
                return Err(PublishError::NotNewer { version: new.clone(), published: newest.clone() });
            }
        }
    }
    Ok(())
}

/// One after the other: what was signed is what comes after what is published.
fn check_order(change: &Change, published: Option<&Repository>) -> Result<()> {
    let follows = |what: &str, draft: u64, published: u64| {
        if published.checked_add(1) == Some(draft) {
            Ok(())
        } else {
            Err(PublishError::Stale { what: what.to_owned(), draft, published })
        }
    };
    let mut before = published.map_or(0, |old| old.root.signed.version.get());
    for root in &change.roots {
        follows("root", root.signed.version.get(), before)?;
        before = root.signed.version.get();
    }
    for (role, document) in &change.roles {
        let before = published.and_then(|old| old.role(role)).map_or(0, |old| old.signed.version.get());
        follows(role, document.signed.version.get(), before)?;
    }
    Ok(())
}

fn check_expiry(change: &Change, now: Timestamp) -> Result<()> {
    let roots = change.roots.last().map(|root| ("root", moment(root.signed.expires)));
    let roles = change.roles.iter().map(|(role, document)| (role.as_str(), moment(document.signed.expires)));
    match roots.into_iter().chain(roles).find(|(_, at)| *at <= now) {
        Some((role, at)) => Err(PublishError::Expired { what: in_words(role), at }),
        None => Ok(()),
    }
}

/// Two people for what people sign.
pub(super) fn check_root(root: &Root) -> Result<()> {
    for kind in [RoleType::Root, RoleType::Targets] {
        let authority = Authority::of_root(root, kind);
        all_differ(&authority.keys)?;
        if authority.threshold < 2 {
            return Err(PublishError::unsound("the root", format!("one signature would do for {kind}")));
        }
    }
    if root.consistent_snapshot {
        Ok(())
    } else {
        Err(PublishError::unsound("the root", "files would be replaced while they are read"))
    }
}

/// For each pack two roles, with what they may sign.
pub(super) fn check_delegations(targets: &Targets) -> Result<()> {
    let wrong = |role: &str, why: &str| Err(PublishError::unsound(format!("role `{role}`"), why));
    if !targets.targets.is_empty() {
        return wrong("targets", "it has files of its own");
    }
    let Some(delegations) = &targets.delegations else { return Ok(()) };
    let mut seen = BTreeSet::new();
    for role in &delegations.roles {
        if !seen.insert(&role.name) {
            return wrong(&role.name, "it is there twice");
        }
        let keys: Vec<PublicKey> =
            role.keyids.iter().filter_map(|id| delegations.keys.get(id)).map(PublicKey::of).collect();
        all_differ(&keys)?;
        let (expected, enough) = match role.name.strip_suffix(ROLLOUT) {
            Some(pack) => {
                check_pack(pack)?;
                (vec![rollout_target(pack)], !keys.is_empty())
            }
            None => {
                check_pack(&role.name)?;
                (patterns(&role.name), keys.len() == 2 && role.threshold.get() == 2)
            }
        };
        if !enough {
            return wrong(&role.name, "it is not signed by two keys out of two");
        }
        if !says(role, &expected) || !role.terminating {
            return wrong(&role.name, "it may sign other files than its pack's");
        }
    }
    let alone = seen.iter().find(|role| !role.ends_with(ROLLOUT) && !seen.contains(&rollout_role(role)));
    match alone {
        Some(role) => wrong(role, "nobody says who gets it"),
        None => Ok(()),
    }
}

fn says(role: &DelegatedRole, expected: &[String]) -> bool {
    match &role.paths {
        PathSet::Paths(paths) => paths.iter().map(PathPattern::value).eq(expected.iter().map(String::as_str)),
        PathSet::PathHashPrefixes(_) => false,
    }
}

/// Every file that is listed is here, whole, and under a name that can be carried.
fn check_files(change: &Change, published: Option<&Repository>) -> Result<()> {
    for (role, document) in &change.roles {
        check_names(role, document)?;
        for (name, target) in &document.signed.targets {
            let not_whole = |how| PublishError::NotWhole { target: name.raw().to_owned(), how };
            let stored = stored_at(name.raw(), &hex(&target.hashes));
            let there = match (change.contents.get(&stored), published) {
                (Some(content), _) => Some(content.clone()),
                (None, Some(published)) => published.content(&stored)?,
                (None, None) => None,
            };
            let content = there.ok_or_else(|| not_whole("missing"))?;
            if content.len() as u64 != target.length || hashes(&content).sha256 != target.hashes.sha256 {
                return Err(not_whole("not the one that was signed"));
            }
        }
    }
    Ok(())
}

/// Names lie where the role may sign, and nowhere else.
fn check_names(role: &str, document: &Signed<Targets>) -> Result<()> {
    let elsewhere =
        |name: &str| Err(PublishError::unsound(format!("role `{role}`"), format!("it lists `{name}`")));
    let names = document.signed.targets.keys();
    if let Some(pack) = role.strip_suffix(ROLLOUT) {
        let other = names.map(tough::TargetName::raw).find(|name| *name != rollout_target(pack));
        return other.map_or(Ok(()), elsewhere);
    }
    let mut releases: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for name in names {
        check_target(name)?;
        match name.raw().splitn(3, '/').collect::<Vec<_>>()[..] {
            [pack, version, path] if pack == role => releases.entry(version).or_default().push(path),
            _ => return elsewhere(name.raw()),
        }
    }
    Ok(releases.into_values().try_for_each(check_paths)?)
}
