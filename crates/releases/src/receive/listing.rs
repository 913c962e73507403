//! The files of a release, as they are signed: each its own target.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path},
};

use jiff::Timestamp;
use semver::Version;
use sha2::{Digest as _, Sha256};
use sigstore_tuf::TargetFile;

use super::{
    client::Client,
    error::{ReceiveError, Result, bytes},
    fetch::{Limits, hex},
};

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
        let release = format!("{pack}/{version}/");
        // The one file that every pack has; asking for it brings whoever may sign the others.
        let first = format!("{release}pack.yaml");
        if client.target(&first, now).await?.is_none() {
            return Err(ReceiveError::Incomplete { what: first });
        }
        let listed = client.listed(pack, &release)?;
        if listed.len() > limits.max_files {
            return Err(too_large(version, format!("{} files", limits.max_files)));
        }
        let size = listed.values().fold(0_u64, |sum, file| sum.saturating_add(file.length));
        if size > limits.max_bytes {
            return Err(too_large(version, bytes(limits.max_bytes)));
        }
        fits_on_any_disk(listed.keys())?;
        let digest = digest(&listed)?;
        Ok(Self { files: listed, digest })
    }
}

fn too_large(version: &Version, limit: String) -> ReceiveError {
    ReceiveError::TooLarge { what: format!("release {version}"), limit }
}

/// Refuses what would leave the pack, what one system takes for something else, and two files in one place.
fn fits_on_any_disk<'a>(paths: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut taken = BTreeSet::new();
    let mut folders = BTreeSet::new();
    for path in paths {
        let unsafe_path =
            |why: &str| Err(ReceiveError::UnsafePath { why: format!("`{}` {why}", shown(path)) });
        if !is_plain(path) {
            return unsafe_path("is no plain path within the pack");
        }
        // Some systems take upper and lower case for the same.
        let folded = path.to_lowercase();
        folders.extend(folded.match_indices('/').map(|(at, _)| folded[..at].to_owned()));
        if !taken.insert(folded) {
            return unsafe_path("differs from another file only in upper and lower case");
        }
    }
    match taken.intersection(&folders).next() {
        Some(both) => Err(ReceiveError::UnsafePath { why: format!("`{both}` is a file and a folder") }),
        None => Ok(()),
    }
}

/// Names that every system keeps as they are, at most as deep as the patterns of who may sign them reach.
fn is_plain(path: &str) -> bool {
    let names: Vec<&str> = path.split('/').collect();
    let plain = |name: &&str| {
        let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
        !name.is_empty()
            && name.len() <= 255
            && !name.ends_with(['.', ' '])
            && !name.starts_with(' ')
            && !name.contains(|c: char| c.is_control() || "\\:*?\"<>|".contains(c))
            && !RESERVED.contains(&stem.as_str())
    };
    names.len() <= MAX_DEPTH
        && names.iter().all(plain)
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Folders and the file.
const MAX_DEPTH: usize = 9;

/// What Windows takes for devices, whatever follows the first dot.
const RESERVED: &[&str] = &[
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
    "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// A path without what a terminal would act on.
fn shown(path: &str) -> String {
    path.chars().take(120).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// SHA-256 over sorted paths and contents; lengths and sums of one size keep a name from running into a content.
fn digest(files: &BTreeMap<String, TargetFile>) -> Result<String> {
    let mut whole = Sha256::new();
    for (path, file) in files {
        let content = file.hashes.get("sha256").and_then(|sum| unhex(sum)).ok_or_else(|| {
            ReceiveError::NotUnderstood {
                what: format!("`{}`", shown(path)),
                why: "it has no SHA-256".to_owned(),
            }
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
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}
