//! `package-lock.json` and `npm-shrinkwrap.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Listed, LockfileError, json};
use crate::package::{Ecosystem, Package};

/// The newest version of the format.
const NEWEST: u64 = 3;
/// What leads to a package in a path.
const FOLDER: &str = "node_modules/";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    lockfile_version: u64,
    /// Versions 2 and 3, by path.
    packages: Option<BTreeMap<String, Installed>>,
    /// Version 1, and version 2 for those who read only that.
    #[serde(default)]
    dependencies: BTreeMap<String, Dependency>,
}

#[derive(Deserialize)]
struct Installed {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    #[serde(default)]
    link: bool,
}

#[derive(Deserialize)]
struct Dependency {
    version: String,
    #[serde(default)]
    dependencies: BTreeMap<String, Dependency>,
}

pub(super) fn read(text: &str) -> Result<Listed, LockfileError> {
    let written: Written = json(text)?;
    if written.lockfile_version > NEWEST {
        return Err(LockfileError::TooNew(written.lockfile_version));
    }
    let mut listed = Listed::default();
    match written.packages {
        Some(packages) => {
            for (path, package) in &packages {
                installed(path, package, &mut listed);
            }
        }
        None => dependencies(written.dependencies, &mut listed),
    }
    Ok(listed)
}

/// A package in a folder. What does not lie below `node_modules`, or only leads elsewhere, is the project's own.
fn installed(path: &str, package: &Installed, listed: &mut Listed) {
    let Some(at) = path.rfind(FOLDER) else { return };
    if package.link {
        return;
    }
    // Under another name than its own, it says its own.
    let name = package.name.as_deref().unwrap_or(&path[at + FOLDER.len()..]);
    match (package.version.as_deref(), package.resolved.as_deref()) {
        (Some(version), from) if from.is_none_or(is_registry) => {
            listed.packages.push(Package::new(Ecosystem::Npm, name, version));
        }
        (version, _) => elsewhere(name, version.unwrap_or_default(), listed),
    }
}

fn dependencies(of: BTreeMap<String, Dependency>, listed: &mut Listed) {
    for (name, dependency) in of {
        let version = dependency.version.as_str();
        match version.strip_prefix("npm:").map(|alias| alias.rsplit_once('@')) {
            Some(Some((name, version))) => listed.packages.push(Package::new(Ecosystem::Npm, name, version)),
            // The project's own.
            None if version.starts_with("file:") => {}
            None if !version.contains([':', '/']) => {
                listed.packages.push(Package::new(Ecosystem::Npm, &name, version));
            }
            Some(None) | None => elsewhere(&name, version, listed),
        }
        dependencies(dependency.dependencies, listed);
    }
}

/// A registry's tarballs are fetched over HTTP; a company's mirror has the same packages.
fn is_registry(resolved: &str) -> bool {
    let hosts_of_code = ["https://codeload.github.com/", "https://github.com/", "https://gitlab.com/"];
    (resolved.starts_with("https://") || resolved.starts_with("http://"))
        && !hosts_of_code.iter().any(|host| resolved.starts_with(host))
}

fn elsewhere(name: &str, version: &str, listed: &mut Listed) {
    listed.left_out(Ecosystem::Npm, name, version, "it does not come from a registry");
}
