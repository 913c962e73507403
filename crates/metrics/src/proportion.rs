//! A share of a whole: adoption, success rates, service levels.
//!
//! Interval: Wilson's (1927), which stays between 0 and 1 and holds for few people; Brown, Cai and others (2001) recommend
//! it.

use crate::{Interval, Level, interval::number};

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proportion {
    /// Those who did.
    pub part: u64,
    /// All of them.
    pub whole: u64,
}

impl Proportion {
    /// Nothing if more did than there are.
    pub fn new(part: u64, whole: u64) -> Option<Self> {
        (part <= whole).then_some(Self { part, whole })
    }

    /// Between 0 and 1; nothing where there is nobody.
    pub fn value(&self) -> Option<f64> {
        (self.whole > 0).then(|| number(self.part) / number(self.whole))
    }

    /// Wilson's interval; nothing where there is nobody.
    pub fn interval(&self, level: Level) -> Option<Interval> {
        let (share, n) = (self.value()?, number(self.whole));
        let z = level.z();
        let square = z * z;
        let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
        let half = z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
        // Where nobody or everybody did, one end is the share itself, but for rounding.
        Some(Interval::of((middle - half).clamp(0.0, share), (middle + half).clamp(share, 1.0)))
    }
}
