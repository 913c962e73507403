//! A draft on disk: handed from one person to the next, on a stick or by whatever carries files.
//!
//! ```text
//! metadata/  3.acme.json …   as they will be published, with the signatures there are so far
//! targets/                   the files that are new, named as they will be served
//! ```

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use semver::Version;
use tough::schema::Root;

use super::{
    change::Change,
    disk::{Disk as _, RealDisk},
    error::{PublishError, Result},
    metadata::{from_bytes, hashes, hex, to_bytes},
    repository::Repository,
};
use crate::layout::{METADATA, TARGETS, check_paths, release_prefix, stored_at};

/// Metadata larger than this is none of ours; it is also what devices take at most.
pub(super) const MAX_METADATA: u64 = 5_000_000;

/// A change in a folder.
#[derive(Debug)]
pub struct Draft {
    folder: PathBuf,
    /// What it changes.
    pub change: Change,
}

impl Draft {
    /// Writes a change into a new folder.
    pub fn create(folder: &Path, change: Change) -> Result<Self> {
        if folder.exists() {
            return Err(PublishError::Exists(folder.to_owned()));
        }
        for (stored, content) in &change.contents {
            let path = folder.join(TARGETS).join(stored);
            RealDisk.put_soon(&path, content).map_err(PublishError::written(&path))?;
        }
        let draft = Self { folder: folder.to_owned(), change };
        draft.save()?;
        RealDisk.settle(folder).map_err(PublishError::written(folder))?;
        Ok(draft)
    }

    /// Writes the metadata with the signatures there are now.
    pub fn save(&self) -> Result<()> {
        let mut files = Vec::new();
        for root in &self.change.roots {
            files.push((format!("{}.root.json", root.signed.version), to_bytes(root, "root")?));
        }
        for (role, document) in &self.change.roles {
            files.push((format!("{}.{role}.json", document.signed.version), to_bytes(document, role)?));
        }
        for (name, bytes) in files {
            let path = self.folder.join(METADATA).join(name);
            RealDisk.put(&path, &bytes).map_err(PublishError::written(&path))?;
        }
        Ok(())
    }

    /// Reads a draft. What its files hold is not believed, but checked against what is signed.
    pub fn open(folder: &Path) -> Result<Self> {
        let metadata = folder.join(METADATA);
        if !metadata.is_dir() {
            return Err(PublishError::NoDraft(folder.to_owned()));
        }
        let mut change = Change::default();
        for entry in fs::read_dir(&metadata).map_err(PublishError::read(&metadata))? {
            let path = entry.map_err(PublishError::read(&metadata))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let Some((_, role)) = name.strip_suffix(".json").and_then(|name| name.split_once('.')) else {
                // What a file manager or an editor left.
                continue;
            };
            check_paths([role])?;
            let bytes = read_metadata(&path)?;
            if role == "root" {
                change.roots.push(from_bytes::<Root>(&bytes, name)?);
            } else if change.roles.insert(role.to_owned(), from_bytes(&bytes, name)?).is_some() {
                return Err(PublishError::unsound(name, "the draft has two versions of it"));
            }
        }
        if change.roots.is_empty() && change.roles.is_empty() {
            return Err(PublishError::NoDraft(folder.to_owned()));
        }
        change.roots.sort_by_key(|root| root.signed.version);
        let mut draft = Self { folder: folder.to_owned(), change };
        draft.change.contents = draft.read_contents()?;
        Ok(draft)
    }

    /// The content of every new target that is here. A file nobody signs is left out.
    fn read_contents(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut contents = BTreeMap::new();
        for document in self.change.roles.values() {
            for (name, target) in &document.signed.targets {
                crate::publish::release::check_target(name)?;
                let stored = stored_at(name.raw(), &hex(&target.hashes));
                let path = self.folder.join(TARGETS).join(&stored);
                let Ok(found) = fs::symlink_metadata(&path) else { continue };
                let wrong = || PublishError::NotWhole {
                    target: name.raw().to_owned(),
                    how: "not the one that the draft is about",
                };
                if !found.is_file() || found.len() != target.length {
                    return Err(wrong());
                }
                let content = fs::read(&path).map_err(PublishError::read(&path))?;
                if hashes(&content).sha256 != target.hashes.sha256 {
                    return Err(wrong());
                }
                contents.insert(stored, content);
            }
        }
        Ok(contents)
    }

    /// The releases this draft adds to what is published: pack and version.
    pub fn releases(&self, published: Option<&Repository>) -> Result<Vec<(String, Version)>> {
        let mut new = Vec::new();
        for (role, document) in &self.change.roles {
            let before = published.and_then(|repository| repository.roles.get(role));
            let before = before.map(|before| crate::publish::release::versions(role, &before.signed));
            for version in crate::publish::release::versions(role, &document.signed) {
                if before.as_ref().is_none_or(|before| !before.contains(&version)) {
                    new.push((role.clone(), version));
                }
            }
        }
        Ok(new)
    }

    /// Writes a release of the draft as a pack, to be linted and compared: exactly what is signed.
    pub fn unpack(&self, pack: &str, version: &Version, to: &Path) -> Result<()> {
        let document =
            self.change.roles.get(pack).ok_or_else(|| PublishError::UnknownPack { pack: pack.to_owned() })?;
        unpack(&document.signed, pack, version, to, |stored| self.change.contents.get(stored).cloned())
    }
}

/// Writes the files of a release from wherever they lie.
pub(super) fn unpack(
    targets: &tough::schema::Targets,
    pack: &str,
    version: &Version,
    to: &Path,
    content: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<()> {
    let prefix = release_prefix(pack, version);
    let files: Vec<_> = targets
        .targets
        .iter()
        .filter_map(|(name, target)| Some((name.raw().strip_prefix(&prefix)?, name.raw(), target)))
        .collect();
    if files.is_empty() {
        return Err(PublishError::UnknownRelease { pack: pack.to_owned(), version: version.clone() });
    }
    check_paths(files.iter().map(|(path, ..)| *path))?;
    for (path, name, target) in files {
        let content = content(&stored_at(name, &hex(&target.hashes)))
            .ok_or_else(|| PublishError::NotWhole { target: name.to_owned(), how: "missing" })?;
        if hashes(&content).sha256 != target.hashes.sha256 {
            return Err(PublishError::NotWhole {
                target: name.to_owned(),
                how: "not the one that was signed",
            });
        }
        let path = to.join(path);
        let folder = path.parent().unwrap_or(to);
        fs::create_dir_all(folder).map_err(PublishError::written(folder))?;
        fs::write(&path, content).map_err(PublishError::written(&path))?;
    }
    Ok(())
}

/// Reads a file of metadata, but not more than its limit.
pub(super) fn read_metadata(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(PublishError::read(path))?;
    file.take(MAX_METADATA + 1).read_to_end(&mut bytes).map_err(PublishError::read(path))?;
    if bytes.len() as u64 > MAX_METADATA {
        return Err(PublishError::TooLarge {
            what: path.display().to_string(),
            limit: MAX_METADATA / 1_000_000,
        });
    }
    Ok(bytes)
}
