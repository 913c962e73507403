//! When to halt: the failures of a release, against those of the release before.
//!
//! The test is Fisher's exact one, one-sided: given how many runs failed in all, how likely is it that at least as many of
//! them fell to the new release if both fail equally often? Exact also for the small numbers of a first ring. (R. A.
//! Fisher, *Statistical Methods for Research Workers*, §21.02.)

use semver::Version;
use serde::{Deserialize, Serialize};

/// A rise is believed if chance alone would show one like it less often than this. One in a thousand, because it is asked
/// again and again while a release spreads.
pub const ALPHA: f64 = 0.001;
/// Below this many runs of the new release nothing is said.
pub const MIN_STARTED: u64 = 20;
/// Runs are counted up to here; more say nothing more.
const MAX_STARTED: u64 = 10_000_000;

/// What a hub has counted, as JSON:
///
/// ```json
/// { "pack": "acme",
///   "release": { "version": "3.2.0", "started": 120, "failed": 31 },
///   "before":  { "version": "3.1.0", "started": 2400, "failed": 96 } }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// The pack.
    pub pack: String,
    /// The release that spreads.
    pub release: Counts,
    /// The one most devices had before it.
    pub before: Counts,
}

/// Runs of one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Which.
    pub version: Version,
    /// Runs that began.
    pub started: u64,
    /// Of those, the runs that failed.
    pub failed: u64,
}

/// What the counts say.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// They contradict themselves, and say nothing.
    Nonsense(&'static str),
    /// Too few runs so far.
    TooFew {
        /// How many runs of the release began.
        started: u64,
    },
    /// Failures have not risen by more than chance explains.
    Fine {
        /// How likely as many failures are by chance.
        p: f64,
    },
    /// Failures have risen.
    Worse {
        /// How likely as many failures are by chance.
        p: f64,
    },
}

impl Signal {
    /// Judges the counts.
    pub fn judge(&self) -> Judgement {
        let (new, old) = (&self.release, &self.before);
        if new.failed > new.started || old.failed > old.started {
            return Judgement::Nonsense("more runs failed than began");
        }
        if new.started > MAX_STARTED || old.started > MAX_STARTED {
            return Judgement::Nonsense("there are more runs than devices");
        }
        if new.version <= old.version {
            return Judgement::Nonsense("the release is not newer than the one before");
        }
        if new.started < MIN_STARTED || old.started == 0 {
            return Judgement::TooFew { started: new.started };
        }
        let p = at_least(new.failed, new.started, old.failed, old.started);
        if p < ALPHA { Judgement::Worse { p } } else { Judgement::Fine { p } }
    }

    /// Why a release was halted, for people.
    pub fn reason(&self) -> String {
        let of = |counts: &Counts| format!("{} of {} runs", counts.failed, counts.started);
        format!("{} failed, {} of {} before it", of(&self.release), of(&self.before), self.before.version)
    }
}

/// How likely at least `failed` of `started` are, given the margins: a sum of hypergeometric probabilities.
fn at_least(failed: u64, started: u64, failed_before: u64, started_before: u64) -> f64 {
    let all_failed = failed + failed_before;
    let most = all_failed.min(started);
    let least = all_failed.saturating_sub(started_before);
    if failed <= least {
        return 1.0;
    }
    // Each term follows from the one before by a factor, so all are known but for their sum. The largest is taken as 1.
    let factor = |k: u64| {
        let up = as_float(all_failed - k) * as_float(started - k);
        let down = as_float(k + 1) * (as_float(started_before) - as_float(all_failed) + as_float(k + 1));
        (up / down).ln()
    };
    let mut logs = vec![0.0_f64];
    let mut log = 0.0;
    for k in least..most {
        log += factor(k);
        logs.push(log);
    }
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights = logs.iter().map(|log| (log - largest).exp());
    let all: f64 = weights.clone().sum();
    let skipped = usize::try_from(failed - least).unwrap_or(usize::MAX);
    let tail: f64 = weights.skip(skipped).sum();
    (tail / all).min(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(failed: u64, started: u64, failed_before: u64, started_before: u64) -> Signal {
        Signal {
            pack: "acme".to_owned(),
            release: Counts { version: Version::new(3, 2, 0), started, failed },
            before: Counts { version: Version::new(3, 1, 0), started: started_before, failed: failed_before },
        }
    }

    /// Fisher's tea tasting: 3 of 4 and 4 of 4 right, 17/70 and 1/70.
    #[test]
    fn a8_the_test_is_fishers() {
        assert!((at_least(3, 4, 1, 4) - 17.0 / 70.0).abs() < 1e-12);
        assert!((at_least(4, 4, 0, 4) - 1.0 / 70.0).abs() < 1e-12);
        assert!((at_least(0, 4, 4, 4) - 1.0).abs() < 1e-12);
        // Fisher's convicts (§21.02): 2 of 17 dizygotic and 10 of 13 monozygotic twins, P = 619/1330665.
        assert!((at_least(10, 13, 2, 17) - 619.0 / 1_330_665.0).abs() < 1e-12);
    }

    #[test]
    fn a8_a_rise_is_told_from_chance() {
        assert!(matches!(signal(31, 120, 96, 2_400).judge(), Judgement::Worse { .. }));
        assert!(matches!(signal(6, 120, 96, 2_400).judge(), Judgement::Fine { .. }));
        assert!(matches!(signal(0, 120, 96, 2_400).judge(), Judgement::Fine { .. }));
        assert!(matches!(signal(19, 19, 96, 2_400).judge(), Judgement::TooFew { started: 19 }));
        assert!(matches!(signal(20, 20, 96, 2_400).judge(), Judgement::Worse { .. }));
        assert!(matches!(
            signal(2_000_000, 9_000_000, 1_000_000, 9_000_000).judge(),
            Judgement::Worse { .. }
        ));
    }

    #[test]
    fn a8_counts_that_contradict_themselves_halt_nothing() {
        assert!(matches!(signal(121, 120, 0, 100).judge(), Judgement::Nonsense(_)));
        assert!(matches!(signal(1, u64::MAX, 0, 100).judge(), Judgement::Nonsense(_)));
        let mut same = signal(20, 20, 0, 100);
        same.before.version = same.release.version.clone();
        assert!(matches!(same.judge(), Judgement::Nonsense(_)));
    }
}
