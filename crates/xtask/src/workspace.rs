//! Where things are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::sh::Cmd;

/// The repository and the folder cargo builds into.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The repository's root.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, whoever moved it.
    pub(crate) target: PathBuf,
    /// What `cargo metadata --no-deps` says about our crates.
    pub(crate) metadata: Value,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .context("crates/xtask is expected two folders below the repository's root")?
            .to_owned();
        let text = Cmd::cargo().args(["metadata", "--no-deps", "--format-version", "1"]).dir(&root).read()?;
        let metadata: Value = serde_json::from_str(&text).context("cargo metadata did not answer in JSON")?;
        let target = metadata["target_directory"]
            .as_str()
            .context("cargo metadata does not name the target folder")?
            .into();
        Ok(Self { root, target, metadata })
    }

    /// cargo, in the repository's root.
    pub(crate) fn cargo(&self) -> Cmd {
        Cmd::cargo().dir(&self.root)
    }

    /// npm, in `ui`.
    pub(crate) fn npm(&self) -> Cmd {
        Cmd::npm().dir(&self.root.join("ui"))
    }

    /// A program we built: `profile` is `debug` or `release`.
    pub(crate) fn binary(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Where the contribute pack puts programs such as tauri-driver.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools").join("bin")
    }

    /// `PATH` with [`Self::tools`] first.
    pub(crate) fn path_with_tools(&self) -> Result<std::ffi::OsString> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.tools()).chain(std::env::split_paths(&path));
        std::env::join_paths(folders).context("the target folder's name cannot stand in PATH")
    }

    /// A new empty folder below target, removed when dropped.
    pub(crate) fn scratch(&self, purpose: &str) -> Result<Scratch> {
        Scratch::new(&self.target, purpose)
    }
}

/// A folder for one use.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new(target: &Path, purpose: &str) -> Result<Self> {
        let path = target.join("xtask").join(format!("{purpose}-{}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("{} could not be emptied", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("{} could not be made", path.display()))?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A new folder inside.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).with_context(|| format!("{} could not be made", path.display()))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing depends on it being gone: it lies in target, and the next use of the same name empties it.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_root_and_target() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.root.join("crates/xtask/Cargo.toml").is_file());
        assert!(workspace.target.is_absolute());
    }

    #[test]
    fn a_scratch_folder_is_new_and_leaves_nothing() {
        let target = std::env::temp_dir();
        let scratch = Scratch::new(&target, "scratch-test").unwrap();
        let path = scratch.path().to_owned();
        fs::write(path.join("left"), "over").unwrap();
        std::mem::forget(scratch);
        let again = Scratch::new(&target, "scratch-test").unwrap();
        assert_eq!(fs::read_dir(again.path()).unwrap().count(), 0);
        drop(again);
        assert!(!path.exists());
    }
}
