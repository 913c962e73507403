//! Which release a device takes, from what is signed about who gets what.

use semver::Version;

use super::error::{ReceiveError, Result};
use crate::layout::{Ring, Rollout, bucket};

/// What a device does about the releases there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The release to take; none if the one that is here stays.
    pub take: Option<Version>,
    /// Releases newer than what this device has and than what it takes, the newest first, and why they are not for it.
    pub held_back: Vec<HeldBack>,
}

/// A release that this device does not get, or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// Which.
    pub version: Version,
    /// Why.
    pub why: Why,
}

/// Why a device does not get a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It has reached this share of devices, in per cent, and this one is not among them.
    Ring(u8),
    /// It was halted.
    Halted(Option<String>),
}

/// Chooses. `have` is the highest release that was accepted, and `whole` whether it is still here.
pub(super) fn choose(rollout: &Rollout, device: &str, have: Option<&Version>, whole: bool) -> Result<Choice> {
    let mut releases: Vec<_> = rollout.releases.iter().collect();
    releases.sort_by(|one, other| other.version.cmp(&one.version));
    let mut held_back = Vec::new();
    let mut meant = None;
    for release in releases {
        match release.why_not(&rollout.pack, device) {
            None => {
                meant = Some(release.version.clone());
                break;
            }
            Some(why) if have.is_none_or(|have| release.version > *have) => {
                held_back.push(HeldBack { version: release.version.clone(), why });
            }
            Some(_) => {}
        }
    }
    let newest = rollout.releases.iter().map(|release| &release.version).max();
    match (have, newest) {
        (_, None) => Err(ReceiveError::NotPublished { pack: rollout.pack.clone() }),
        (Some(have), Some(newest)) if newest < have => {
            Err(ReceiveError::Downgrade { have: have.clone(), offered: newest.clone() })
        }
        (Some(have), Some(_)) => {
            let take = meant.filter(|meant| meant > have || (meant == have && !whole));
            Ok(Choice { take, held_back })
        }
        (None, Some(_)) => Ok(Choice { take: meant, held_back }),
    }
}

impl Ring {
    /// Why this device does not get the release; none if it does.
    fn why_not(&self, pack: &str, device: &str) -> Option<Why> {
        if self.halted {
            return Some(Why::Halted(self.reason.clone()));
        }
        let within = bucket(pack, &self.version, device) < u64::from(self.share) * 100;
        (!within).then_some(Why::Ring(self.share))
    }
}
