//! What the tests share.

use std::path::Path;

use firstlight_releases::publish::testing::Desk;
use jiff::{SignedDuration, Timestamp};
use semver::Version;
use tempfile::TempDir;
use tough::{RepositoryLoader, schema::Target};

pub(crate) const FILES: &[(&str, &str)] =
    &[("pack.yaml", "name: acme\n"), ("docs/first steps.md", "# Hello\n")];

pub(crate) fn now() -> Timestamp {
    "2026-11-26T12:00:00.5Z".parse().unwrap()
}

pub(crate) fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

pub(crate) fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

/// A desk with a published repository, and where it lies.
pub(crate) fn desk() -> (Desk, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(&folder.path().join("repo"), "acme", now());
    (desk, folder)
}

/// Reads a repository from its first root with another implementation's client, which checks everything but the
/// content of targets. Gives the targets it sees.
pub(crate) fn read_by_another_client(folder: &Path) -> Vec<(String, Target)> {
    let root = std::fs::read(folder.join("metadata/1.root.json")).unwrap();
    let url = |name: &str| url::Url::from_directory_path(folder.join(name)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let loaded = runtime.block_on(
        RepositoryLoader::new(&root, url("metadata"), url("targets"))
            // The clock of the tests is not today's.
            .expiration_enforcement(tough::ExpirationEnforcement::Unsafe)
            .load(),
    );
    let loaded = loaded.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut targets: Vec<(String, Target)> = loaded
        .targets()
        .signed
        .targets_iter()
        .map(|(name, target)| (name.raw().to_owned(), target.clone()))
        .collect();
    targets.sort_by(|one, other| one.0.cmp(&other.0));
    targets
}
