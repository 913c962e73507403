//! How sure a figure is.

use statrs::distribution::{ContinuousCDF as _, Normal};

/// How often such an interval holds the true value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level(f64);

impl Level {
    /// The usual one: 95 %.
    pub const USUAL: Self = Self(0.95);

    /// A level between 0 and 1, both excluded.
    pub fn new(level: f64) -> Option<Self> {
        (level > 0.0 && level < 1.0).then_some(Self(level))
    }

    /// The two-sided quantile of the standard normal: 1.96 for 95 %.
    pub fn z(self) -> f64 {
        Normal::standard().inverse_cdf(self.upper())
    }

    /// Up to where the distribution lies below the interval's upper end: 0.975 for 95 %.
    pub(crate) fn upper(self) -> f64 {
        f64::midpoint(self.0, 1.0)
    }
}

/// From where to where. An end that is not there cannot be told from what was seen so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl Interval {
    /// Both ends are known.
    pub fn of(low: f64, high: f64) -> Self {
        Self { low: Some(low), high: Some(high) }
    }

    /// As far to both sides.
    pub(crate) fn around(middle: f64, half: f64) -> Self {
        Self::of(middle - half, middle + half)
    }

    /// Half of its width, if both ends are known.
    pub fn half_width(&self) -> Option<f64> {
        Some((self.high? - self.low?) / 2.0)
    }

    /// Whether a value lies in it, ends included; an open end holds everything on its side.
    pub fn holds(&self, value: f64) -> bool {
        self.low.is_none_or(|low| low <= value) && self.high.is_none_or(|high| value <= high)
    }
}

/// A count as a number to reckon with. Exact up to 2⁵³, which no count of people or events here reaches.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}
