//! The files of a release, as they are signed: each its own target.

use std::collections::BTreeMap;

use jiff::Timestamp;
use semver::Version;
use sha2::{Digest as _, Sha256};
use sigstore_tuf::TargetFile;

use super::{
    client::Client,
    error::{ReceiveError, Result, bytes},
    fetch::{Limits, hex},
};
use crate::layout;

/// A release before it is fetched.
#[derive(Debug)]
pub(super) struct Listing {
    /// By the path in the pack.
    pub(super) files: BTreeMap<String, TargetFile>,
    /// Over paths and contents, the way a pack that was read is summed up.
    pub(super) digest: String,
}

impl Listing {
    /// Asks for the files of a release.
    pub(super) async fn of(
        client: &mut Client,
        pack: &str,
        version: &Version,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Self> {
        // The one file that every pack has; asking for it brings whoever may sign the others.
        let first = layout::target(pack, version, "pack.yaml");
        if client.target(&first, now).await?.is_none() {
            return Err(ReceiveError::Incomplete { what: first });
        }
        let listed = client.listed(layout::role(pack), &layout::release_prefix(pack, version))?;
        if listed.len() > limits.max_files {
            return Err(too_large(version, format!("{} files", limits.max_files)));
        }
        let size = listed.values().fold(0_u64, |sum, file| sum.saturating_add(file.length));
        if size > limits.max_bytes {
            return Err(too_large(version, bytes(limits.max_bytes)));
        }
        layout::check_paths(listed.keys().map(String::as_str))
            .map_err(|error| ReceiveError::UnsafePath { why: error.to_string() })?;
        let digest = digest(&listed)?;
        Ok(Self { files: listed, digest })
    }
}

fn too_large(version: &Version, limit: String) -> ReceiveError {
    ReceiveError::TooLarge { what: format!("release {version}"), limit }
}

/// SHA-256 over sorted paths and contents; lengths and sums of one size keep a name from running into a content.
fn digest(files: &BTreeMap<String, TargetFile>) -> Result<String> {
    let mut whole = Sha256::new();
    for (path, file) in files {
        let content = file.hashes.get("sha256").and_then(|sum| unhex(sum)).ok_or_else(|| {
            ReceiveError::NotUnderstood { what: format!("`{path}`"), why: "it has no SHA-256".to_owned() }
        })?;
        whole.update((path.len() as u64).to_be_bytes());
        whole.update(path.as_bytes());
        whole.update(content);
    }
    Ok(hex(&whole.finalize()))
}

/// The 32 bytes of a sum.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}
