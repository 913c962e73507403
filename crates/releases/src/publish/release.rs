//! A release: each file of a pack its own target, and who gets it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use jiff::Timestamp;
use semver::Version;
use tough::{
    TargetName,
    schema::{Target, Targets},
};

use super::{
    ceremony::again,
    change::Change,
    error::{PublishError, Result},
    metadata::{hashes, hex},
    repository::Repository,
};
use crate::layout::{
    NameError, Ring, Rollout, check_paths, check_version, release_prefix, rollout_role, rollout_target,
    shown, stored_at, target,
};

/// Devices take no file larger than this.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Folders and files at most; a pack is not a disk image.
const MAX_FILES: usize = 5_000;

/// A pack to publish.
#[derive(Debug, Clone, Copy)]
pub struct NewRelease<'a> {
    /// Its name.
    pub pack: &'a str,
    /// Its version.
    pub version: &'a Version,
    /// Where it lies. Everything in it is published, but for `.git`.
    pub folder: &'a Path,
    /// The share of devices that get it at first, in per cent.
    pub share: u8,
    /// How many releases stay on offer, this one included.
    pub keep: usize,
}

/// Drafts a release.
pub fn draft_release(published: &Repository, release: &NewRelease<'_>, now: Timestamp) -> Result<Change> {
    let NewRelease { pack, version, .. } = *release;
    check_version(version)?;
    let role =
        published.roles.get(pack).ok_or_else(|| PublishError::UnknownPack { pack: pack.to_owned() })?;
    let mut rollout = published.rollout(pack)?;
    let signed = versions(pack, &role.signed);
    let newest = rollout.releases.iter().map(|ring| &ring.version).chain(&signed).max();
    if let Some(newest) = newest.filter(|newest| *newest >= version) {
        return Err(PublishError::NotNewer { version: version.clone(), published: newest.clone() });
    }
    let mut change = Change::default();
    let mut document = again(role, now)?;
    for (path, content) in read(release.folder)? {
        let name = target(pack, version, &path);
        let listed = describe(&content);
        change.contents.insert(stored_at(&name, &hex(&listed.hashes)), content);
        document.signed.targets.insert(target_name(&name)?, listed);
    }
    rollout.releases.push(Ring {
        version: version.clone(),
        share: share(release.share)?,
        halted: false,
        reason: None,
    });
    keep(&mut rollout, release.keep);
    let kept: BTreeSet<&Version> = rollout.releases.iter().map(|ring| &ring.version).collect();
    for old in signed.iter().filter(|old| !kept.contains(old)) {
        let prefix = release_prefix(pack, old);
        document.signed.targets.retain(|name, _| !name.raw().starts_with(&prefix));
    }
    let about = rollout_role(pack);
    let before =
        published.roles.get(&about).ok_or_else(|| PublishError::UnknownPack { pack: pack.to_owned() })?;
    let mut who = again(before, now)?;
    set_rollout(&mut who.signed, &mut change.contents, &rollout)?;
    change.roles.insert(pack.to_owned(), document);
    change.roles.insert(about, who);
    Ok(change)
}

/// Leaves the newest, and the newest that everybody may have.
fn keep(rollout: &mut Rollout, count: usize) {
    rollout.releases.sort_by(|one, other| other.version.cmp(&one.version));
    let for_all = rollout.releases.iter().position(|ring| ring.share == 100 && !ring.halted);
    let mut at = 0;
    rollout.releases.retain(|_| {
        let stays = at < count.max(1) || Some(at) == for_all;
        at += 1;
        stays
    });
}

/// A share there can be.
pub(super) fn share(share: u8) -> Result<u8> {
    if share <= 100 {
        Ok(share)
    } else {
        Err(PublishError::Rollout(format!("{share} is no share of devices: it is from 0 to 100 per cent")))
    }
}

/// Puts who gets a pack into its role.
pub(super) fn set_rollout(
    role: &mut Targets,
    contents: &mut BTreeMap<String, Vec<u8>>,
    rollout: &Rollout,
) -> Result<()> {
    let name = rollout_target(&rollout.pack);
    let mut content =
        serde_json::to_vec_pretty(rollout).map_err(|error| PublishError::unsound(&name, error))?;
    content.push(b'\n');
    let listed = describe(&content);
    contents.insert(stored_at(&name, &hex(&listed.hashes)), content);
    role.targets.insert(target_name(&name)?, listed);
    Ok(())
}

/// The releases a role has files of.
pub(super) fn versions(pack: &str, targets: &Targets) -> BTreeSet<Version> {
    targets
        .targets
        .keys()
        .filter_map(|name| name.raw().strip_prefix(pack)?.strip_prefix('/')?.split('/').next())
        .filter_map(|version| Version::parse(version).ok())
        .collect()
}

/// Refuses a target whose name leads elsewhere; whoever wrote the metadata may be anybody.
pub(super) fn check_target(name: &TargetName) -> Result<()> {
    // A pack and a version stand before the path, which may be as deep as ever.
    let path = match name.raw().splitn(3, '/').collect::<Vec<_>>()[..] {
        [pack, version, path] => {
            check_paths([pack, version])?;
            path
        }
        _ => name.raw(),
    };
    Ok(check_paths([path])?)
}

fn describe(content: &[u8]) -> Target {
    Target {
        length: content.len() as u64,
        hashes: hashes(content),
        custom: std::collections::HashMap::new(),
        _extra: std::collections::HashMap::new(),
    }
}

fn target_name(name: &str) -> Result<TargetName> {
    TargetName::new(name).map_err(|error| PublishError::unsound(name, error))
}

/// Every file of a pack and its content, by its path with `/`.
fn read(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut left = MAX_FILE;
    walk(folder, "", &mut found, &mut left)?;
    check_paths(found.keys().map(String::as_str))?;
    Ok(found)
}

fn walk(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>, left: &mut u64) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(PublishError::read(folder))? {
        let entry = entry.map_err(PublishError::read(folder))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            let name = entry.file_name().to_string_lossy().into_owned();
            return Err(NameError::Path {
                path: shown(&format!("{prefix}{name}"), 120),
                why: "is not Unicode",
            }
            .into());
        };
        if prefix.is_empty() && name == ".git" {
            continue;
        }
        let within = format!("{prefix}{name}");
        // Of the entry itself: a link is not followed.
        let kind = entry.file_type().map_err(PublishError::read(&path))?;
        if kind.is_dir() {
            if prefix.matches('/').count() >= crate::layout::MAX_FOLDERS {
                return Err(NameError::Path {
                    path: shown(&within, 120),
                    why: "lies in more than 8 folders",
                }
                .into());
            }
            walk(&path, &format!("{within}/"), found, left)?;
        } else if kind.is_file() {
            let too_large = |what| PublishError::TooLarge { what, limit: MAX_FILE / 1024 / 1024 };
            let content = read_plain(&path, *left)?.ok_or_else(|| too_large("the pack".to_owned()))?;
            *left = left.saturating_sub(content.len() as u64);
            if found.len() == MAX_FILES {
                return Err(PublishError::Rollout(format!("the pack has more than {MAX_FILES} files")));
            }
            found.insert(within, content);
        } else {
            return Err(PublishError::NotPlain(shown(&within, 120)));
        }
    }
    Ok(())
}

/// The content; none if it is more than is left.
fn read_plain(path: &Path, left: u64) -> Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    let mut content = Vec::new();
    let mut file = fs::File::open(path).map_err(PublishError::read(path))?.take(left.saturating_add(1));
    file.read_to_end(&mut content).map_err(PublishError::read(path))?;
    Ok((content.len() as u64 <= left).then_some(content))
}
