//! What the tests of several crates share: packs on disk, a clock that moves when told, and a company's network.
//!
//! It refuses to know any crate of ours but the domain, so that any of them can use it in tests. One more fake belongs
//! here only when a second crate needs it.

pub mod app_updates;
mod company;
mod json_schema;
pub mod releases;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use tempfile::TempDir;

pub use company::{AUTHORITY, CompanyNetwork, Page};
pub use json_schema::misfit;

/// A pack in a folder of its own, gone when dropped.
#[derive(Debug)]
pub struct PackFolder {
    folder: TempDir,
}

impl PackFolder {
    /// Writes `pack.yaml`.
    ///
    /// # Panics
    /// If the temporary folder cannot be written.
    #[expect(clippy::expect_used, reason = "a test without a temporary folder cannot go on")]
    pub fn new(yaml: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("pack.yaml"), yaml).expect("a file in it");
        Self { folder }
    }

    /// A pack with one persona, `dev`, whose steps (YAML, indented by two) are listed in this order; the last is first
    /// value.
    pub fn with_steps(order: &[&str], steps: &str) -> Self {
        let order = order.join(", ");
        Self::new(&format!(
            "apiVersion: firstlight.dev/v1\nkind: Pack\n\
             metadata: {{ name: test, version: 1.0.0, title: Welcome, owner: platform }}\n\
             inputs:\n  place: {{ type: string, title: A folder, default: /nowhere }}\n\
             personas:\n  dev: {{ title: Developer }}\n\
             checklists:\n  dev:\n    stages:\n      - {{ id: day-1, title: Day one, steps: [{order}] }}\n\
             steps:\n{steps}\n"
        ))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Starts at 2026-11-23T09:00:00Z, a Monday.
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_795_424_400_000)))
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves it; back, too.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
