//! The bill of materials: every crate in the two programs and every npm package in the pages, in `CycloneDX` 1.5.
//!
//! The crates come from what cargo resolved for this system, without what only builds and tests use, and the packages from
//! npm's own bill. What is the same twice comes out byte for byte the same: the serial number is a hash of the rest.

mod crates;
mod pages;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{dist::checksums, dist::programs, workspace::Workspace};

/// Parts by their name in the bill, and what each depends on.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    components: BTreeMap<String, Value>,
    depends: BTreeMap<String, Vec<String>>,
}

impl Parts {
    fn join(&mut self, other: Self) {
        self.components.extend(other.components);
        self.depends.extend(other.depends);
    }
}

/// Writes the bill of this system's programs into `out`.
pub(super) fn write(workspace: &Workspace, epoch: &str, out: &Path) -> Result<()> {
    let version = super::version(workspace)?;
    let triple = programs::triple()?;
    let bill = bill(workspace, &triple, &version, epoch)?;
    let to = out.join(format!("firstlight-{version}-{triple}.cdx.json"));
    let text = format!("{bill:#}\n");
    fs::write(&to, text).with_context(|| format!("{} could not be written", to.display()))
}

/// The bill of the programs as built for `triple`.
pub(crate) fn bill(workspace: &Workspace, triple: &str, version: &str, epoch: &str) -> Result<Value> {
    let metadata = crates::metadata(workspace, triple)?;
    let lock = workspace.root.join("Cargo.lock");
    let lock = fs::read_to_string(&lock).with_context(|| format!("{} cannot be read", lock.display()))?;
    let crates = crates::parts(&metadata, &crates::checksums(&lock), &programs::PACKAGES)?;
    let pages = pages::parts(workspace)?;
    Ok(joined(crates, pages, version, epoch))
}

fn joined(
    (mut parts, mut direct): (Parts, Vec<String>),
    pages: (Parts, Vec<String>),
    version: &str,
    epoch: &str,
) -> Value {
    parts.join(pages.0);
    direct.extend(pages.1);
    direct.sort();
    let whole = format!("pkg:generic/firstlight@{version}");
    parts.depends.insert(whole.clone(), direct);
    let depends: Vec<Value> =
        parts.depends.iter().map(|(part, on)| json!({ "ref": part, "dependsOn": on })).collect();
    let mut bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": time(epoch),
            "lifecycles": [{ "phase": "build" }],
            "tools": { "components": [{ "type": "application", "name": "cargo xtask dist" }] },
            "component": {
                "bom-ref": whole,
                "type": "application",
                "name": "firstlight",
                "version": version,
                "purl": whole,
                "licenses": [{ "expression": "MIT OR Apache-2.0" }],
            },
        },
        "components": parts.components.into_values().collect::<Vec<_>>(),
        "dependencies": depends,
    });
    let serial = serial(&bill.to_string());
    bill["serialNumber"] = json!(format!("urn:uuid:{serial}"));
    bill
}

/// A UUID of the kind that everybody may make as they like (RFC 9562, version 8): from a hash of the content.
fn serial(content: &str) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(content.as_bytes())[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = checksums::hex(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Seconds since 1970 as `CycloneDX` writes a time.
fn time(epoch: &str) -> String {
    super::time::utc(epoch.parse().unwrap_or_default())
}

#[cfg(test)]
mod tests;
