//! Who gets a release: a share of devices, or nobody any more.

use jiff::Timestamp;
use semver::Version;

use super::{
    ceremony::again,
    change::Change,
    error::{PublishError, Result},
    release::{set_rollout, share},
    repository::Repository,
};
use crate::layout::{MAX_REASON, rollout_role};

/// What to do about a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Let this share of devices get it, in per cent.
    Share(u8),
    /// Nobody who does not have it yet gets it any more.
    Halt {
        /// Why; people read it.
        reason: String,
    },
    /// A halt is over; its share is what it was.
    Resume,
}

/// Drafts the step. One of the pack's rollout keys signs it.
pub fn change_rollout(
    published: &Repository,
    pack: &str,
    version: &Version,
    step: &Step,
    now: Timestamp,
) -> Result<Change> {
    let mut rollout = published.rollout(pack)?;
    let ring =
        rollout.releases.iter_mut().find(|ring| ring.version == *version).ok_or_else(|| {
            PublishError::UnknownRelease { pack: pack.to_owned(), version: version.clone() }
        })?;
    match step {
        Step::Share(_) if ring.halted => {
            return Err(PublishError::Rollout(format!("{version} is halted; resume it first")));
        }
        Step::Share(to) => ring.share = share(*to)?,
        Step::Halt { .. } if ring.halted => {
            return Err(PublishError::Rollout(format!("{version} is halted already")));
        }
        Step::Halt { reason } => {
            let reason: String = reason.trim().chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
            if reason.is_empty() {
                return Err(PublishError::Rollout("a halt needs a reason: people are shown it".to_owned()));
            }
            ring.halted = true;
            ring.reason = Some(reason);
        }
        Step::Resume if !ring.halted => {
            return Err(PublishError::Rollout(format!("{version} is not halted")));
        }
        Step::Resume => {
            ring.halted = false;
            ring.reason = None;
        }
    }
    let role = rollout_role(pack);
    let before =
        published.roles.get(&role).ok_or_else(|| PublishError::UnknownPack { pack: pack.to_owned() })?;
    let mut document = again(before, now)?;
    let mut change = Change::default();
    set_rollout(&mut document.signed, &mut change.contents, &rollout)?;
    change.roles.insert(role, document);
    Ok(change)
}
