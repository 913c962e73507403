//! The files of the pack that a template reads. Only plain files, only of the pack: a link is refused wherever it leads.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use firstlight_domain::{kind::PackFiles, plan::hex};
use sha2::{Digest, Sha256};

use super::{
    tree::{File, MAX_BYTES, MAX_FILES},
    trouble::Trouble,
};
use crate::providers::paths;

/// A template may be this large.
const MAX_TEMPLATE_BYTES: u64 = 1024 * 1024;

/// What a template reads, and of that the digest.
pub(super) struct Sources {
    root: PathBuf,
    /// The template's folder in the pack.
    folder: String,
    /// SHA-256 of what was read, by path in the pack.
    read: BTreeMap<String, [u8; 32]>,
    bytes: usize,
}

/// The pack as it lies on the disk.
pub(super) struct OnDisk<'a>(pub(super) &'a Path);

impl PackFiles for OnDisk<'_> {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let file = paths::file_in_pack(self.0, path).ok()?;
        let small = fs::metadata(&file).is_ok_and(|metadata| metadata.len() <= MAX_TEMPLATE_BYTES);
        small.then(|| fs::read(file).ok())?
    }

    fn has_folder(&self, path: &str) -> bool {
        self.0.join(path).is_dir()
    }
}

/// Where an address in a template leads, in the pack. Addresses count from the template's folder.
pub(super) fn in_pack(folder: &str, url: &str) -> Result<String, Trouble> {
    if url.contains("://") || url.starts_with("git@") {
        return Err(Trouble::new(
            format!("`{url}` would be fetched from elsewhere, and a pack's templates are local"),
            "put the files into the pack beside the template, and name them as `./skeleton`",
        ));
    }
    let refuse = |why: &str| {
        Trouble::new(
            format!("`{}` {why}", url.escape_debug()),
            "name a folder of the pack, counted from the template's own, as `./skeleton`",
        )
    };
    if url.starts_with('/') || url.contains('\\') || url.chars().any(char::is_control) || url.contains(':') {
        return Err(refuse("is not a path inside the pack"));
    }
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in url.split('/').filter(|name| !name.is_empty() && *name != ".") {
        if name == ".." {
            names.pop().ok_or_else(|| refuse("leads out of the pack"))?;
        } else {
            names.push(name);
        }
    }
    Ok(names.join("/"))
}

impl Sources {
    pub(super) fn new(root: &Path, folder: &str) -> Self {
        Self { root: root.to_owned(), folder: folder.to_owned(), read: BTreeMap::new(), bytes: 0 }
    }

    /// One file, by its address.
    pub(super) fn file(&mut self, url: &str) -> Result<File, Trouble> {
        let path = in_pack(&self.folder, url)?;
        self.plain_way(&path)?;
        self.read_file(&path)
    }

    /// Everything below a folder, by its address: paths from there, folders before what is in them.
    pub(super) fn folder(&mut self, url: &str) -> Result<Vec<(String, Option<File>)>, Trouble> {
        let path = in_pack(&self.folder, url)?;
        self.plain_way(&path)?;
        if !self.root.join(&path).is_dir() {
            return Err(missing(&path, "folder"));
        }
        let mut found = Vec::new();
        self.walk(&path, "", &mut found)?;
        Ok(found)
    }

    /// SHA-256 over what was read, hex.
    pub(super) fn digest(&self) -> String {
        let mut whole = Sha256::new();
        for (path, content) in &self.read {
            whole.update((path.len() as u64).to_be_bytes());
            whole.update(path.as_bytes());
            whole.update(content);
        }
        hex(&whole.finalize())
    }

    /// Counts a file that was read in another way.
    pub(super) fn note(&mut self, path: &str, content: &[u8]) {
        self.read.insert(path.to_owned(), Sha256::digest(content).into());
    }

    fn walk(
        &mut self,
        folder: &str,
        prefix: &str,
        found: &mut Vec<(String, Option<File>)>,
    ) -> Result<(), Trouble> {
        let here = if prefix.is_empty() { folder.to_owned() } else { format!("{folder}/{prefix}") };
        let entries = fs::read_dir(self.root.join(&here)).map_err(|error| unreadable(&here, &error))?;
        let mut entries: Vec<fs::DirEntry> =
            entries.collect::<Result<_, _>>().map_err(|error| unreadable(&here, &error))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else {
                return Err(refused(&format!("{here}/{}", entry.file_name().to_string_lossy())));
            };
            let below = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            let path = if folder.is_empty() { below.clone() } else { format!("{folder}/{below}") };
            let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
            if found.len() > MAX_FILES {
                return Err(too_large());
            }
            if kind.is_dir() && name == ".git" {
                // The pack may be edited in a repository; that is no part of it.
            } else if kind.is_dir() {
                found.push((below.clone(), None));
                self.walk(folder, &below, found)?;
            } else if kind.is_file() {
                let file = self.read_file(&path)?;
                found.push((below, Some(file)));
            } else {
                return Err(refused(&path));
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &str) -> Result<File, Trouble> {
        let full = self.root.join(path);
        let metadata = match full.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if paths::is_absent(&error) => return Err(missing(path, "file")),
            Err(error) => return Err(unreadable(path, &error)),
        };
        if !metadata.is_file() {
            return Err(refused(path));
        }
        self.bytes = self.bytes.saturating_add(usize::try_from(metadata.len()).unwrap_or(usize::MAX));
        if self.bytes > MAX_BYTES {
            return Err(too_large());
        }
        let content = fs::read(full).map_err(|error| unreadable(path, &error))?;
        self.note(path, &content);
        Ok(File { content, executable: is_executable(&metadata) })
    }

    /// Refuses a link on the way: it could lead anywhere.
    fn plain_way(&self, path: &str) -> Result<(), Trouble> {
        let mut way = self.root.clone();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            way.push(name);
            if way.symlink_metadata().is_ok_and(|found| found.file_type().is_symlink()) {
                return Err(refused(path));
            }
        }
        Ok(())
    }
}

fn is_executable(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

fn missing(path: &str, what: &str) -> Trouble {
    Trouble::new(
        format!("the pack has no {what} `{path}`"),
        "addresses count from the template's folder; letter case matters",
    )
}

fn refused(path: &str) -> Trouble {
    Trouble::new(
        format!("`{path}` is not a plain file"),
        "replace symbolic links by the files they lead to, and give files Unicode names",
    )
}

fn unreadable(path: &str, error: &std::io::Error) -> Trouble {
    Trouble::new(
        format!("`{path}` in the pack cannot be read: {error}"),
        "the pack is damaged: tell its owner",
    )
}

fn too_large() -> Trouble {
    Trouble::new(
        format!("the template reads more than {MAX_FILES} files or {} MB", MAX_BYTES / 1024 / 1024),
        "make the template smaller",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e6_addresses_stay_in_the_pack() {
        let there = |url: &str| in_pack("templates/service", url).ok();
        assert_eq!(there("./skeleton").as_deref(), Some("templates/service/skeleton"));
        assert_eq!(there("../../skeletons/ci/").as_deref(), Some("skeletons/ci"));
        assert_eq!(there(".").as_deref(), Some("templates/service"));
        for bad in [
            "../../..",
            "../../../etc",
            "/etc",
            "a\\..\\b",
            "C:/x",
            "https://x.test/a",
            "git@x.test:a",
            "a\nb",
        ] {
            assert_eq!(there(bad), None, "{bad}");
        }
    }
}
