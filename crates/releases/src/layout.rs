//! How a release looks in a repository: names of roles and targets, which names can be carried, who gets what.
//!
//! ```text
//! metadata/   N.root.json  timestamp.json  N.snapshot.json  N.targets.json  N.acme.json  N.acme-rollout.json
//! targets/    acme/3.2.0/HASH.pack.yaml  acme/3.2.0/docs/HASH.x.md  HASH.acme.rollout.json
//! ```
//!
//! Each file of pack `acme` 3.2.0 is its own target, `acme/3.2.0/docs/x.md`: what did not change need not be fetched
//! again, and there is no archive that could hold more than it says. Role `acme` signs them, by both teams. Role
//! `acme-rollout` signs one target, which says who gets which release, and can never say what is in it.

use std::collections::BTreeSet;

use semver::Version;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The folder of metadata in a repository.
pub const METADATA: &str = "metadata";
/// The folder of files in a repository.
pub const TARGETS: &str = "targets";

/// How many folders a file of a pack may lie in: as many as the patterns of who may sign them reach.
pub const MAX_FOLDERS: usize = 8;

/// Longer names do not fit on every disk once their hash stands before them: 255 bytes less 64 digits and a dot.
const MAX_NAME_BYTES: usize = 190;

/// Names of metadata that every repository has.
const TOP_LEVEL: &[&str] = &["root", "targets", "snapshot", "timestamp", "mirrors"];

/// What the role ends in that says who gets a release.
pub const ROLLOUT: &str = "-rollout";

/// A reason is a sentence.
pub(crate) const MAX_REASON: usize = 200;

/// What Windows takes for devices, whatever follows the first dot.
const RESERVED: &[&str] = &[
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
    "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// Who gets which release of a pack: the target of its rollout role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// The pack's name.
    pub pack: String,
    /// Every release that somebody may still get.
    pub releases: Vec<Ring>,
}

/// Who gets one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// Which.
    pub version: Version,
    /// The share of devices that get it, in per cent.
    pub share: u8,
    /// Whether those who do not have it yet do not get it, whatever their share.
    pub halted: bool,
    /// Why it was halted. What a terminal would act on is left out when it is read.
    #[serde(default, deserialize_with = "plain_reason")]
    pub reason: Option<String>,
}

/// Where a device stands among all of them for a release, out of 10,000; always the same. It gets a release whose share
/// times 100 is above that.
pub fn bucket(pack: &str, version: &Version, device: &str) -> u64 {
    let sum: [u8; 32] = Sha256::digest(format!("{pack}\0{version}\0{device}")).into();
    u64::from_be_bytes(std::array::from_fn(|at| sum[at])) % 10_000
}

/// The role that signs what is in a pack's releases. Its name is the pack's.
pub fn role(pack: &str) -> &str {
    pack
}

/// The role that signs who gets a pack's releases.
pub fn rollout_role(pack: &str) -> String {
    format!("{pack}{ROLLOUT}")
}

/// The target that says who gets a pack's releases.
pub fn rollout_target(pack: &str) -> String {
    format!("{pack}.rollout.json")
}

/// What the targets of a release begin with.
pub fn release_prefix(pack: &str, version: &Version) -> String {
    format!("{pack}/{version}/")
}

/// The target of a pack's file.
pub fn target(pack: &str, version: &Version, path: &str) -> String {
    format!("{pack}/{version}/{path}")
}

/// The targets role [`role`] may sign, as patterns whose `*` does not cross a `/`.
pub fn patterns(pack: &str) -> Vec<String> {
    (0..=MAX_FOLDERS).map(|folders| format!("{pack}/*/{}*", "*/".repeat(folders))).collect()
}

/// Where the content of a target lies beneath [`TARGETS`]: its hash stands before the last name.
pub fn stored_at(target: &str, sha256: &str) -> String {
    match target.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/{sha256}.{name}"),
        None => format!("{sha256}.{target}"),
    }
}

/// Why something cannot be carried in a release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A pack whose name means something else in a repository.
    #[error("a pack named `{0}` cannot be published: in a repository that name means something else")]
    Pack(String),
    /// A version that does not say which of two is newer.
    #[error("version {0} cannot be published: what stands after `+` does not say which of two is newer")]
    Version(Version),
    /// A path that not every system keeps as it is.
    #[error("`{path}` cannot be carried: it {why}")]
    Path {
        /// The path, without what a terminal would act on.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Whether a pack of this name can have roles of its own. That it is a name at all is for [`firstlight_domain`] to say.
pub fn check_pack(pack: &str) -> Result<(), NameError> {
    let folded = pack.to_ascii_lowercase();
    let taken = TOP_LEVEL.contains(&folded.as_str()) || folded.ends_with(ROLLOUT);
    if taken || !is_plain_name(pack) { Err(NameError::Pack(pack.to_owned())) } else { Ok(()) }
}

/// Whether versions like this one have an order.
pub fn check_version(version: &Version) -> Result<(), NameError> {
    if version.build.is_empty() { Ok(()) } else { Err(NameError::Version(version.clone())) }
}

/// Refuses what would leave the pack, what one system takes for something else, and two files in one place.
pub fn check_paths<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<(), NameError> {
    let mut files = BTreeSet::new();
    let mut folders = BTreeSet::new();
    for path in paths {
        check_path(path)?;
        // Some systems take upper and lower case for the same.
        let folded = path.to_lowercase();
        folders.extend(folded.match_indices('/').map(|(at, _)| folded[..at].to_owned()));
        if !files.insert(folded) {
            return Err(refused(path, "differs from another file only in upper and lower case"));
        }
    }
    match files.intersection(&folders).next() {
        Some(both) => Err(refused(both, "is a file and a folder")),
        None => Ok(()),
    }
}

/// Whether every system keeps this path as it is, inside of the pack.
fn check_path(path: &str) -> Result<(), NameError> {
    let names = path.split('/').count();
    if names > MAX_FOLDERS + 1 {
        return Err(refused(path, "lies in more than 8 folders"));
    }
    if path.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return Err(refused(path, "is no plain path within the pack"));
    }
    if !path.split('/').all(is_plain_name) {
        return Err(refused(path, "has a name that some system does not allow"));
    }
    Ok(())
}

/// Whether every system allows it as the name of a file.
fn is_plain_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !name.starts_with(' ')
        && !name.ends_with(['.', ' '])
        && !name.contains(|c: char| c.is_control() || "/\\:*?\"<>|".contains(c))
        && !RESERVED.contains(&stem.as_str())
}

fn refused(path: &str, why: &'static str) -> NameError {
    NameError::Path { path: shown(path, 120), why }
}

/// A text of somebody else's without what a terminal would act on, and not for ever.
pub(crate) fn shown(text: &str, length: usize) -> String {
    text.chars().take(length).map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn plain_reason<'de, D: serde::Deserializer<'de>>(reason: D) -> Result<Option<String>, D::Error> {
    let reason: Option<String> = Deserialize::deserialize(reason)?;
    Ok(reason.map(|reason| shown(&reason, MAX_REASON)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a7_names_that_not_every_system_keeps_are_refused() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            "C:/x",
            "a\\b",
            "a:b",
            "nul",
            "docs/COM1.md",
            "a.",
            "a ",
            " a",
            "a\nb",
            "a?b",
            "a*b",
            "1/2/3/4/5/6/7/8/9/x",
        ] {
            assert!(check_paths([bad]).is_err(), "{bad:?}");
        }
        check_paths([
            "pack.yaml",
            "docs/Erste Schritte.md",
            "docs/ü.md",
            ".editorconfig",
            "1/2/3/4/5/6/7/8/x",
        ])
        .unwrap();
    }

    #[test]
    fn a7_two_files_in_one_place_are_refused() {
        let both = check_paths(["docs/A.md", "docs/a.md"]).unwrap_err();
        assert!(both.to_string().contains("upper and lower case"), "{both}");
        let twice = check_paths(["Docs", "docs/a.md"]).unwrap_err();
        assert!(twice.to_string().contains("a file and a folder"), "{twice}");
    }

    #[test]
    fn a_name_that_is_a_role_already_is_no_packs() {
        for bad in ["root", "Targets", "snapshot", "timestamp", "acme-rollout", "aux"] {
            assert!(check_pack(bad).is_err(), "{bad}");
        }
        check_pack("acme").unwrap();
        assert!(check_version(&Version::parse("1.0.0+linux").unwrap()).is_err());
    }

    #[test]
    fn a8_a_reason_does_not_act_on_a_terminal() {
        let ring = r#"{ "version": "1.0.0", "share": 1, "halted": true, "reason": "\u001b[2Jall is well" }"#;
        let ring: Ring = serde_json::from_str(ring).unwrap();
        assert_eq!(ring.reason.as_deref(), Some("?[2Jall is well"));
        let without = r#"{ "version": "1.0.0", "share": 1, "halted": false }"#;
        assert_eq!(serde_json::from_str::<Ring>(without).unwrap().reason, None);
    }

    #[test]
    fn patterns_reach_as_deep_as_paths_may() {
        let patterns = patterns("acme");
        assert_eq!(patterns.first().unwrap(), "acme/*/*");
        assert_eq!(patterns.last().unwrap().split('/').count(), 2 + MAX_FOLDERS + 1);
    }

    #[test]
    fn the_hash_stands_before_the_last_name() {
        assert_eq!(stored_at("acme/1.0.0/docs/x.md", "ab"), "acme/1.0.0/docs/ab.x.md");
        assert_eq!(stored_at("acme.rollout.json", "ab"), "ab.acme.rollout.json");
    }

    /// SHA-256 of `acme`, NUL, `3.2.0`, NUL, `d-1`, taken with `sha256sum`.
    #[test]
    fn a8_a_device_is_always_at_the_same_place() {
        assert_eq!(bucket("acme", &Version::new(3, 2, 0), "d-1"), 1_271);
    }
}
