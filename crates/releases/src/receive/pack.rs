//! The accepted pack on disk, and how the next one takes its place: built beside it, made durable, then named in one
//! small file that is replaced in one move. Until then, and if anything fails, the old one is whole and the one in use.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _};
use semver::Version;
use serde::{Deserialize, Serialize};
use sigstore_tuf::TargetFile;

use super::{
    assemble::{Missing, Places, build, places},
    client::Client,
    durable,
    error::{ReceiveError, Result},
    fetch::blocking,
    listing::Listing,
};
use crate::layout;

/// The pack in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its name.
    pub pack: String,
    /// Its version.
    pub version: Version,
    /// SHA-256 over its paths and contents, hex.
    pub digest: String,
    /// Where it is.
    pub folder: PathBuf,
}

/// The file that says which folder is the pack in use.
#[derive(Debug, Serialize, Deserialize)]
struct Current {
    pack: String,
    version: Version,
    digest: String,
    folder: String,
    /// The folder before; somebody may be at work with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// The folders of received packs.
#[derive(Debug, Clone)]
pub(super) struct Packs {
    root: PathBuf,
}

/// A release that was fetched whole, waiting to be accepted.
#[derive(Debug)]
pub struct Staged {
    pub(super) pack: String,
    pub(super) version: Version,
    pub(super) digest: String,
    folder: PathBuf,
    /// How many of its files were fetched; the others were here.
    pub fetched: usize,
    /// How many bytes of its files were fetched.
    pub fetched_bytes: u64,
}

impl Staged {
    /// Where it waits.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// SHA-256 over its paths and contents, as signed, hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Its version.
    pub fn version(&self) -> &Version {
        &self.version
    }
}

impl Packs {
    pub(super) fn below(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn current_file(&self) -> PathBuf {
        self.root.join("current.json")
    }

    fn folders(&self) -> PathBuf {
        self.root.join("packs")
    }

    /// Where files wait that were fetched, by their sums.
    pub(super) fn fetched(&self) -> PathBuf {
        self.root.join("fetched")
    }

    /// The last list of who gets what.
    pub(super) fn rollout(&self) -> PathBuf {
        self.root.join("rollout.json")
    }

    fn current(&self) -> Option<Current> {
        let text = fs::read_to_string(self.current_file()).ok()?;
        match serde_json::from_str::<Current>(&text) {
            Ok(current) if !current.folder.contains(['/', '\\']) && current.folder != ".." => Some(current),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(%error, "which pack is in use cannot be read; it is received again");
                None
            }
        }
    }

    /// The pack in use; none if none was received, or it is not there any more.
    pub(super) fn accepted(&self) -> Option<Accepted> {
        let current = self.current()?;
        let folder = self.folders().join(&current.folder);
        folder.join("pack.yaml").is_file().then_some(Accepted {
            pack: current.pack,
            version: current.version,
            digest: current.digest,
            folder,
        })
    }

    /// Takes the pack in use as not there, so that it is received again.
    pub(super) fn distrust(&self) -> io::Result<()> {
        durable::remove(&self.current_file())
    }

    /// Fetches what is not here and builds the release beside the pack in use.
    pub(super) async fn stage(
        &self,
        client: &Client,
        pack: &str,
        version: &Version,
        listing: Listing,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Staged> {
        let unwritable = |source| ReceiveError::NotWritable { path: self.root.clone(), source };
        let old = self.accepted().map(|accepted| accepted.folder);
        let fetched = self.fetched();
        let into = fetched.clone();
        let looked = blocking(move || {
            durable::make_folder(&into)?;
            places(listing.files, old.as_deref(), &into)
        });
        let Places { files, missing } = looked.await.map_err(unwritable)?;
        let (count, total) = (missing.len(), missing.iter().map(|missing| missing.file.length).sum());
        let done = AtomicU64::new(0);
        let limits = client.source().limits;
        let mut fetching = Vec::with_capacity(count);
        for Missing { path, file, to } in missing {
            fetching.push(fetch(
                client,
                layout::target(pack, version, &path),
                file,
                to,
                (&done, total),
                progress,
            ));
        }
        let fetching = futures::stream::iter(fetching).buffer_unordered(limits.at_once).try_collect::<()>();
        within(limits.release, version, fetching).await?;
        let folder = self.folders().join(format!(".{version}.new"));
        let into = folder.clone();
        blocking(move || build(&into, &files, &fetched)).await.map_err(unwritable)?;
        Ok(Staged {
            pack: pack.to_owned(),
            version: version.clone(),
            digest: listing.digest,
            folder,
            fetched: count,
            fetched_bytes: total,
        })
    }

    /// Makes a staged release the pack in use.
    pub(super) fn switch(&self, staged: &Staged, needed: Option<&Path>) -> io::Result<Accepted> {
        let current = self.current();
        let folder = self.free_name(staged);
        let path = self.folders().join(&folder);
        fs::rename(&staged.folder, &path)?;
        durable::sync_folder(&self.folders())?;
        let before = current.map(|current| current.folder);
        let now = Current {
            pack: staged.pack.clone(),
            version: staged.version.clone(),
            digest: staged.digest.clone(),
            folder,
            before,
        };
        durable::write(&self.current_file(), &serde_json::to_vec_pretty(&now)?)?;
        self.tidy(&now, needed);
        Ok(Accepted { pack: now.pack, version: now.version, digest: now.digest, folder: path })
    }

    /// A name in the folder of packs that nothing has. The same release may be there, damaged or in use.
    fn free_name(&self, staged: &Staged) -> String {
        let sum = staged.digest.get(..12).unwrap_or_default();
        let name = format!("{}-{sum}", staged.version);
        let mut free = name.clone();
        let mut number = 1;
        while self.folders().join(&free).exists() {
            number += 1;
            free = format!("{name}-{number}");
        }
        free
    }

    /// Removes what is neither in use nor was until now. What is held open stays until the next time.
    fn tidy(&self, now: &Current, needed: Option<&Path>) {
        let needed = needed.and_then(Path::file_name).and_then(|name| name.to_str());
        let kept =
            |name: &str| [Some(now.folder.as_str()), now.before.as_deref(), needed].contains(&Some(name));
        for entry in fs::read_dir(self.folders()).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(kept) {
                continue;
            }
            if let Err(error) = durable::remove(&entry.path()) {
                tracing::debug!(%error, path = %entry.path().display(), "an old pack stays for now");
            }
        }
        if let Err(error) = durable::remove(&self.fetched()) {
            tracing::debug!(%error, "fetched files stay for now");
        }
    }
}

/// Fetches one file, and says how far all of them are.
async fn fetch(
    client: &Client,
    path: String,
    file: TargetFile,
    to: PathBuf,
    (done, total): (&AtomicU64, u64),
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<()> {
    client.fetch(&path, &file, &to).await?;
    let before = done.fetch_add(file.length, Ordering::Relaxed);
    progress(before + file.length, total);
    Ok(())
}

/// Fetching everything may take this long together.
async fn within(
    limit: Duration,
    version: &Version,
    fetching: impl Future<Output = Result<()>>,
) -> Result<()> {
    match tokio::time::timeout(limit, fetching).await {
        Ok(fetched) => fetched,
        Err(_) => Err(ReceiveError::Slow { what: format!("release {version}") }),
    }
}
