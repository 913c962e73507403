//! The pack's folder: which files it has, and one digest over all of them.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use firstlight_domain::{kind::PackFiles, plan::hex};
use sha2::{Digest, Sha256};

use crate::PackError;

/// At most this many bytes in all files of a pack.
pub const MAX_PACK_BYTES: u64 = 64 * 1024 * 1024;
/// At most this many files in a pack.
pub const MAX_PACK_FILES: usize = 5_000;

/// How deep folders may be nested; a pack is not a disk image.
const MAX_DEPTH: usize = 32;
/// At most this many bytes of a file that a kind reads when it is linted.
const MAX_READ_BYTES: u64 = 1024 * 1024;

/// What is in the folder.
#[derive(Clone)]
pub(crate) struct Folder {
    root: PathBuf,
    /// Pack-relative paths with `/`, sorted.
    pub(crate) files: Vec<String>,
    /// What is neither a file nor a folder: symbolic links, sockets, and names that are not Unicode.
    pub(crate) refused: Vec<String>,
}

/// Lists every file. `.git` is left out: a pack may be edited in a repository.
pub(crate) fn list(root: &Path) -> Result<Folder, PackError> {
    let mut found = Walk { files: Vec::new(), refused: Vec::new(), bytes: 0 };
    walk(root, "", 0, &mut found)?;
    found.files.sort_unstable();
    found.refused.sort_unstable();
    Ok(Folder { root: root.to_owned(), files: found.files, refused: found.refused })
}

impl Folder {
    /// SHA-256 over the sorted paths and contents of all files, hex.
    pub(crate) fn digest(&self) -> Result<String, PackError> {
        let mut whole = Sha256::new();
        for (name, content) in self.hashes()? {
            // Lengths and fixed-size hashes keep a name from running into a content.
            whole.update((name.len() as u64).to_be_bytes());
            whole.update(name.as_bytes());
            whole.update(content);
        }
        Ok(hex(&whole.finalize()))
    }

    /// Whether there is such a file, by its path as it is listed.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.binary_search_by(|file| file.as_str().cmp(path)).is_ok()
    }

    /// At most `limit` bytes of a file, as text; what is not UTF-8 is shown as such.
    pub(crate) fn text(&self, path: &str, limit: usize) -> Result<String, PackError> {
        Ok(String::from_utf8_lossy(&self.bytes(path, limit)?).into_owned())
    }

    /// At most `limit` bytes of a file. A symbolic link that took its place since it was listed is not followed.
    pub(crate) fn bytes(&self, path: &str, limit: usize) -> Result<Vec<u8>, PackError> {
        let unreadable = |source| PackError::Unreadable { path: self.root.join(path), source };
        let mut so_far = self.root.clone();
        for name in path.split('/') {
            so_far.push(name);
            if so_far.symlink_metadata().map_err(unreadable)?.is_symlink() {
                return Err(unreadable(io::Error::other("it is a symbolic link now")));
            }
        }
        let file = fs::File::open(self.root.join(path)).map_err(unreadable)?;
        let mut content = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, limit as u64), &mut content).map_err(unreadable)?;
        Ok(content)
    }

    /// SHA-256 of each file, hex.
    pub(crate) fn digests(&self) -> Result<BTreeMap<String, String>, PackError> {
        Ok(self.hashes()?.into_iter().map(|(name, content)| (name.to_owned(), hex(&content))).collect())
    }

    fn hashes(&self) -> Result<Vec<(&str, [u8; 32])>, PackError> {
        // Counted again while reading: a file may grow.
        let mut budget = MAX_PACK_BYTES;
        let mut hash = |name: &str| hash_file(&self.root.join(name), &mut budget);
        self.files.iter().map(|name| Ok((name.as_str(), hash(name)?))).collect()
    }
}

impl PackFiles for Folder {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let index = self.files.binary_search_by(|file| file.as_str().cmp(path)).ok()?;
        let file = fs::File::open(self.root.join(&self.files[index])).ok()?;
        let mut content = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, MAX_READ_BYTES), &mut content).ok()?;
        Some(content)
    }

    fn has_folder(&self, path: &str) -> bool {
        path.is_empty()
            || self.files.iter().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }
}

struct Walk {
    files: Vec<String>,
    refused: Vec<String>,
    bytes: u64,
}

fn walk(folder: &Path, prefix: &str, depth: usize, found: &mut Walk) -> Result<(), PackError> {
    let unreadable = |source| PackError::Unreadable { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        let Ok(name) = entry.file_name().into_string() else {
            found.refused.push(format!("{prefix}{}", entry.file_name().to_string_lossy()));
            continue;
        };
        if prefix.is_empty() && name == ".git" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if kind.is_dir() {
            if depth == MAX_DEPTH {
                return Err(PackError::TooLarge { what: format!("{path} is nested too deeply") });
            }
            walk(&entry.path(), &format!("{path}/"), depth + 1, found)?;
        } else if kind.is_file() {
            if found.files.len() == MAX_PACK_FILES {
                let what = format!("it has more than {MAX_PACK_FILES} files");
                return Err(PackError::TooLarge { what });
            }
            found.bytes = found.bytes.saturating_add(entry.metadata().map_err(unreadable)?.len());
            if found.bytes > MAX_PACK_BYTES {
                return Err(too_many_bytes());
            }
            found.files.push(path);
        } else {
            found.refused.push(path);
        }
    }
    Ok(())
}

fn too_many_bytes() -> PackError {
    PackError::TooLarge { what: format!("its files are larger than {} MB", MAX_PACK_BYTES / 1024 / 1024) }
}

fn hash_file(path: &Path, budget: &mut u64) -> Result<[u8; 32], PackError> {
    let unreadable = |source| PackError::Unreadable { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut limited = io::Read::take(file, budget.saturating_add(1));
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = io::Read::read(&mut limited, &mut buffer).map_err(unreadable)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        let Some(left) = budget.checked_sub(read as u64) else {
            return Err(too_many_bytes());
        };
        *budget = left;
        hasher.update(&buffer[..read]);
    }
}
