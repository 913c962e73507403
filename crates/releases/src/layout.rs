//! The layout.
use semver::Version;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Rollout.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rollout {
    /// pack
    pub pack: String,
    /// releases
    pub releases: Vec<Ring>,
}
/// Ring.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ring {
    /// version
    pub version: Version,
    /// share
    pub share: u8,
    /// halted
    pub halted: bool,
    /// reason
    pub reason: Option<String>,
}
/// Bucket.
pub fn bucket(pack: &str, version: &Version, device: &str) -> u64 {
    let sum = Sha256::digest(format!("{pack}\0{version}\0{device}"));
    u64::from_be_bytes(sum[..8].try_into().unwrap_or_default()) % 10_000
}
