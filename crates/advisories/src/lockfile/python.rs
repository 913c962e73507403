//! `uv.lock` and `poetry.lock`.

use serde::Deserialize;

use super::{Listed, LockfileError, toml};
use crate::package::{Ecosystem, Package};

/// The newest version of uv's format.
const NEWEST_UV: u64 = 1;
/// The newest major version of Poetry's format.
const NEWEST_POETRY: u64 = 2;

#[derive(Deserialize)]
struct UvWritten {
    version: u64,
    #[serde(default)]
    package: Vec<UvLocked>,
}

#[derive(Deserialize)]
struct UvLocked {
    name: String,
    /// None for the project's own, if it computes its version.
    version: Option<String>,
    #[serde(default)]
    source: UvSource,
}

/// Where it comes from; one of these.
#[derive(Default, Deserialize)]
struct UvSource {
    registry: Option<String>,
    git: Option<String>,
    url: Option<String>,
    path: Option<String>,
}

pub(super) fn uv(text: &str) -> Result<Listed, LockfileError> {
    let written: UvWritten = toml(text)?;
    if written.version > NEWEST_UV {
        return Err(LockfileError::TooNew(written.version));
    }
    let mut listed = Listed::default();
    for locked in written.package {
        let UvSource { registry, git, url, path } = &locked.source;
        match (registry, &locked.version) {
            (Some(_), Some(version)) => {
                listed.packages.push(Package::new(Ecosystem::PyPi, &locked.name, version));
            }
            _ if git.is_some() || url.is_some() || path.is_some() => {
                elsewhere(&locked.name, locked.version.as_deref(), &mut listed);
            }
            // The project's own: `editable`, `virtual`, `directory`.
            _ => {}
        }
    }
    Ok(listed)
}

#[derive(Deserialize)]
struct PoetryWritten {
    #[serde(default)]
    package: Vec<PoetryLocked>,
    #[serde(default)]
    metadata: PoetryMetadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PoetryMetadata {
    lock_version: Option<String>,
}

#[derive(Deserialize)]
struct PoetryLocked {
    name: String,
    version: String,
    source: Option<PoetrySource>,
}

#[derive(Deserialize)]
struct PoetrySource {
    #[serde(rename = "type")]
    kind: String,
}

pub(super) fn poetry(text: &str) -> Result<Listed, LockfileError> {
    let written: PoetryWritten = toml(text)?;
    let major = written.metadata.lock_version.as_deref().and_then(|version| version.split('.').next());
    if let Some(major) = major.and_then(|major| major.parse().ok()).filter(|major| *major > NEWEST_POETRY) {
        return Err(LockfileError::TooNew(major));
    }
    let mut listed = Listed::default();
    for locked in written.package {
        match locked.source.as_ref().map(|source| source.kind.as_str()) {
            // `legacy` is what Poetry calls another index than PyPI, such as a company's mirror.
            None | Some("legacy" | "pypi") => {
                listed.packages.push(Package::new(Ecosystem::PyPi, &locked.name, &locked.version));
            }
            // The project's own.
            Some("directory") => {}
            Some(_) => elsewhere(&locked.name, Some(&locked.version), &mut listed),
        }
    }
    Ok(listed)
}

fn elsewhere(name: &str, version: Option<&str>, listed: &mut Listed) {
    let why = "it does not come from a registry";
    listed.left_out(Ecosystem::PyPi, name, version.unwrap_or_default(), why);
}
