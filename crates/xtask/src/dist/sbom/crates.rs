//! The crates in our programs, as cargo resolved them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Parts;
use crate::workspace::Workspace;

/// What cargo resolved for one kind of system.
pub(super) fn metadata(workspace: &Workspace, triple: &str) -> Result<Value> {
    let text = workspace
        .cargo()
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", triple])
        .read()?;
    serde_json::from_str(&text).context("cargo metadata did not answer in JSON")
}

/// The checksums of a `Cargo.lock`, by name and version.
pub(super) fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut sums = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let start = format!("{name} = \"");
            package.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix('"')).map(str::to_owned)
        };
        if let (Some(name), Some(version), Some(sum)) = (field("name"), field("version"), field("checksum")) {
            sums.insert((name, version), sum);
        }
    }
    sums
}

/// Everything that is linked into `roots`, and the roots' names in the bill.
pub(super) fn parts(
    metadata: &Value,
    checksums: &BTreeMap<(String, String), String>,
    roots: &[&str],
) -> Result<(Parts, Vec<String>)> {
    let list = |value: &Value, what: &str| {
        value.as_array().cloned().with_context(|| format!("cargo metadata has no {what}"))
    };
    let packages = list(&metadata["packages"], "packages")?;
    let packages: BTreeMap<&str, &Value> =
        packages.iter().filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let nodes = list(&metadata["resolve"]["nodes"], "resolved graph")?;
    let nodes: BTreeMap<&str, &Value> =
        nodes.iter().filter_map(|node| Some((node["id"].as_str()?, node))).collect();

    let mut waiting = Vec::new();
    for root in roots {
        let found = packages.iter().find(|(_, package)| package["name"] == *root);
        waiting.push(*found.with_context(|| format!("cargo metadata does not know {root}"))?.0);
    }
    let direct = waiting.iter().map(|id| name(packages[id])).collect();
    let mut parts = Parts::default();
    let mut seen: BTreeSet<&str> = waiting.iter().copied().collect();
    while let Some(id) = waiting.pop() {
        let (package, node) = (packages.get(id), nodes.get(id));
        let (Some(package), Some(node)) = (package, node) else { continue };
        let linked: Vec<&str> = linked(node);
        let mut on: Vec<String> =
            linked.iter().filter_map(|id| packages.get(id)).map(|it| name(it)).collect();
        on.sort();
        on.dedup();
        let name = name(package);
        parts.components.insert(name.clone(), component(package, &name, roots, checksums));
        parts.depends.insert(name, on);
        waiting.extend(linked.into_iter().filter(|id| seen.insert(id)));
    }
    Ok((parts, direct))
}

/// What a crate is linked with: what is of no kind, as cargo says it. What runs while it is built, and proc macros' own
/// dependencies, are in none of our programs, but a proc macro is a crate like any other here: it wrote some of their code.
fn linked(node: &Value) -> Vec<&str> {
    let dependencies = node["deps"].as_array().map_or(&[][..], Vec::as_slice);
    let is_linked = |dependency: &&Value| {
        dependency["dep_kinds"]
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
    };
    dependencies.iter().filter(is_linked).filter_map(|dependency| dependency["pkg"].as_str()).collect()
}

fn name(package: &Value) -> String {
    let text = |field: &str| package[field].as_str().unwrap_or_default().to_owned();
    format!("pkg:cargo/{}@{}", text("name"), text("version").replace('+', "%2B"))
}

fn component(
    package: &Value,
    name: &str,
    roots: &[&str],
    checksums: &BTreeMap<(String, String), String>,
) -> Value {
    let text = |field: &str| package[field].as_str().unwrap_or_default().to_owned();
    let is_root = roots.iter().any(|root| package["name"] == *root);
    let mut component = json!({
        "bom-ref": name,
        "type": if is_root { "application" } else { "library" },
        "name": text("name"),
        "version": text("version"),
        "purl": name,
        "scope": "required",
    });
    if let Some(license) = package["license"].as_str() {
        component["licenses"] = json!([{ "expression": expression(license) }]);
    }
    if let Some(sum) = checksums.get(&(text("name"), text("version"))) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    if let Some(repository) = package["repository"].as_str() {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

/// A licence as SPDX writes it. Older manifests have a slash for "or".
pub(crate) fn expression(license: &str) -> String {
    let parts: Vec<&str> = license.split('/').map(str::trim).collect();
    parts.join(" OR ")
}
