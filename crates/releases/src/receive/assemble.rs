//! A release put together: which of its files are here already, which are to be fetched, and the folder they become.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use sigstore_tuf::TargetFile;

use super::{client::wanted, durable, fetch::is_there};

/// Where the files of a release come from.
pub(super) struct Places {
    /// Each path in the pack, and the file that is or will be there for it.
    pub(super) files: Vec<(String, PathBuf)>,
    /// What has to be fetched first; each content once.
    pub(super) missing: Vec<Missing>,
}

/// A file that has to be fetched.
pub(super) struct Missing {
    /// One of its paths in the pack.
    pub(super) path: String,
    /// What it has to be.
    pub(super) file: TargetFile,
    /// Where it goes.
    pub(super) to: PathBuf,
}

/// Looks what of a release is in the pack in use, or was fetched before. Every file has a SHA-256: the listing was summed
/// up with it.
pub(super) fn places(
    listed: BTreeMap<String, TargetFile>,
    old: Option<&Path>,
    fetched: &Path,
) -> io::Result<Places> {
    let mut places = Places { files: Vec::with_capacity(listed.len()), missing: Vec::new() };
    let mut asked = BTreeSet::new();
    for (path, file) in listed {
        let wanted = wanted(&file);
        let kept = old.map(|old| old.join(&path));
        if let Some(kept) = kept.filter(|kept| is_there(kept, &wanted).unwrap_or(false)) {
            places.files.push((path, kept));
            continue;
        }
        let to = fetched.join(wanted.sha256.as_deref().unwrap_or_default().to_ascii_lowercase());
        places.files.push((path.clone(), to.clone()));
        if asked.insert(to.clone()) && !is_there(&to, &wanted)? {
            places.missing.push(Missing { path, file, to });
        }
    }
    Ok(places)
}

/// Builds the folder of a release, and makes it durable. What was fetched stays where it is until the release is
/// accepted: one that is refused then need not be fetched again to be looked at again.
pub(super) fn build(folder: &Path, files: &[(String, PathBuf)], fetched: &Path) -> io::Result<()> {
    durable::remove(folder)?;
    durable::make_folder(folder)?;
    let mut made = BTreeSet::new();
    let mut linked = BTreeSet::new();
    for (path, from) in files {
        let to = folder.join(path);
        if let Some(parent) = to.parent().filter(|parent| made.insert(parent.to_path_buf())) {
            fs::create_dir_all(parent)?;
        }
        // A second name costs nothing, but is one file: only for what nothing else will be made of.
        let own = from.starts_with(fetched) && linked.insert(from);
        if !own || fs::hard_link(from, &to).is_err() {
            fs::copy(from, &to)?;
        }
    }
    durable::sync_tree(folder)
}
