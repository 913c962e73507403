//! Whether a release helped: those who began before it beside those who began after it.
//!
//! What is looked at, up to when, and which difference would matter is said before (registered), so that nobody looks for
//! the figure that fits. Where too few people tell, that is the verdict.

use crate::{
    Level,
    survival::{
        Curve, Transform, Wait,
        compare::{Gain, LogRank, gain, log_rank},
    },
};

/// With fewer arrivals in one of the groups the intervals are not to be relied on.
const FEWEST: u64 = 10;

/// What was said before the release.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Registration {
    /// Up to which time waits are compared.
    pub until: f64,
    /// By how much the mean wait has to change to matter.
    pub smallest_that_matters: f64,
    /// How sure one wants to be.
    pub level: Level,
}

/// What can be said after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// People wait less.
    Better,
    /// People wait longer.
    Worse,
    /// Nothing that would matter has changed, and enough people tell.
    NoDifference,
    /// Too few people, or too little time, to tell.
    NotEnough,
}

/// Before beside after.
#[derive(Debug, Clone, PartialEq)]
pub struct Retrospective {
    /// Those who began before.
    pub before: Curve,
    /// Those who began after.
    pub after: Curve,
    /// By how much shorter the mean wait is; nothing if it cannot be told up to the registered time.
    pub gain: Option<Gain>,
    /// The log-rank test; nothing where nothing can be compared.
    pub test: Option<LogRank>,
    /// What to make of it.
    pub verdict: Verdict,
}

/// Compares those who began before with those who began after.
pub fn retrospective(before: &[Wait], after: &[Wait], registered: Registration) -> Retrospective {
    let curve = |waits: &[Wait]| Curve::of(waits, Transform::default());
    let test = log_rank(&[before, after]);
    let (before, after) = (curve(before), curve(after));
    let gain = gain(&before, &after, registered.until, registered.level);
    let few = before.reached().min(after.reached()) < FEWEST;
    let verdict = match gain {
        Some(gain) if !few => verdict(gain, registered.smallest_that_matters),
        Some(_) | None => Verdict::NotEnough,
    };
    Retrospective { before, after, gain, test, verdict }
}

fn verdict(gain: Gain, smallest_that_matters: f64) -> Verdict {
    match (gain.interval.low, gain.interval.high) {
        (Some(low), _) if low > 0.0 => Verdict::Better,
        (_, Some(high)) if high < 0.0 => Verdict::Worse,
        // All that the interval leaves open would not matter.
        (Some(low), Some(high)) if -low <= smallest_that_matters && high <= smallest_that_matters => {
            Verdict::NoDifference
        }
        _ => Verdict::NotEnough,
    }
}
