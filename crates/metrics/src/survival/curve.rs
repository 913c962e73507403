//! The share still waiting, over time.

use super::{Moment, Sorted, Wait, count};
use crate::{Interval, Level, interval::number};

/// On which scale the interval of a share is reckoned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transform {
    /// Of its logarithm: what R's `survfit` does unless told otherwise.
    Log,
    /// Of the logarithm of that: it stays between 0 and 1 and holds better for few people (Borgan and Liestøl 1990).
    #[default]
    LogLog,
}

/// What is known at a time at which something happened to somebody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The time.
    pub time: f64,
    /// Who was waiting just before it.
    pub at_risk: u64,
    /// To whom it happened at it.
    pub reached: u64,
    /// Who was last seen waiting at it, or left.
    pub censored: u64,
    /// The share still waiting after it.
    pub waiting: f64,
    /// Greenwood's sum up to here: the variance of the logarithm of `waiting`.
    greenwood: f64,
}

/// The Kaplan–Meier curve of one group. What ended otherwise counts as not seen any further.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    points: Vec<Point>,
    n: u64,
    transform: Transform,
}

/// A mean up to a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl Curve {
    /// The curve of these waits.
    pub fn of(waits: &[Wait], transform: Transform) -> Self {
        let (mut waiting, mut greenwood) = (1.0, 0.0);
        let sorted = Sorted::of(waits);
        let points = sorted.moments().map(|moment| {
            let Moment { time, at_risk, reached, otherwise, still_waiting } = moment;
            let (risk, happened) = (number(at_risk), number(reached));
            waiting *= 1.0 - happened / risk;
            if reached > 0 && reached < at_risk {
                greenwood += happened / (risk * (risk - happened));
            }
            Point { time, at_risk, reached, censored: otherwise + still_waiting, waiting, greenwood }
        });
        Self { points: points.collect(), n: count(waits.len()), transform }
    }

    /// How many people it is about.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// To how many it happened.
    pub fn reached(&self) -> u64 {
        self.points.iter().map(|point| point.reached).sum()
    }

    /// Of how many it is not known when it will.
    pub fn censored(&self) -> u64 {
        self.n - self.reached()
    }

    /// Its steps, by time.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The share still waiting at a time.
    pub fn waiting_at(&self, time: f64) -> f64 {
        self.last_by(time).map_or(1.0, |point| point.waiting)
    }

    /// How sure [`waiting_at`](Self::waiting_at) is; nothing once nobody waits, where no share is left to be unsure of.
    pub fn interval_at(&self, time: f64, level: Level) -> Option<Interval> {
        match self.last_by(time) {
            None => Some(Interval::of(1.0, 1.0)),
            Some(point) => self.interval(point, level.z()),
        }
    }

    /// The time by which a share of the people has arrived: 0.5 gives the median. Nothing if they have not yet. Where the
    /// curve lies exactly at that share for a while it is the middle of the while, as in R.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        crossing(self.points.iter().map(|point| (point.time, Some(point.waiting))), 1.0 - share)
    }

    /// How sure [`quantile`](Self::quantile) is (Brookmeyer and Crowley 1982): where the interval's own ends cross the share.
    pub fn quantile_interval(&self, share: f64, level: Level) -> Interval {
        // Settled once: it takes longer than all else that is done for a point.
        let z = level.z();
        let end = |z: f64| {
            crossing(self.points.iter().map(|point| (point.time, self.bound(point, z))), 1.0 - share)
        };
        Interval { low: end(-z), high: end(z) }
    }

    /// The mean wait up to a time, those who wait longer counting with just that time (restricted mean). Nothing if
    /// somebody could still arrive between the last look and that time.
    pub fn restricted_mean(&self, until: f64) -> Option<Mean> {
        let last = self.points.last()?;
        if until > last.time && last.waiting > 0.0 {
            return None;
        }
        let mut area = 0.0;
        let mut variance = 0.0;
        let mut end = until;
        // From the end, so that the area right of each step is there when it is needed.
        for (index, point) in self.points.iter().enumerate().rev().filter(|(_, point)| point.time < until) {
            area += point.waiting * (end - point.time);
            end = point.time;
            let before = index.checked_sub(1).and_then(|index| self.points.get(index));
            variance += area * area * (point.greenwood - before.map_or(0.0, |before| before.greenwood));
        }
        area += end;
        Some(Mean { value: area, error: variance.sqrt() })
    }

    fn last_by(&self, time: f64) -> Option<&Point> {
        let after = self.points.partition_point(|point| point.time <= time);
        self.points.get(after.checked_sub(1)?)
    }

    fn interval(&self, point: &Point, z: f64) -> Option<Interval> {
        Some(Interval::of(self.bound(point, -z)?, self.bound(point, z)?))
    }

    /// One end of the interval: the lower one for a `z` below 0.
    fn bound(&self, point: &Point, z: f64) -> Option<f64> {
        if point.waiting <= 0.0 {
            return None;
        }
        if point.waiting >= 1.0 {
            return Some(1.0);
        }
        let far = z * point.greenwood.sqrt();
        Some(match self.transform {
            Transform::Log => (point.waiting * far.exp()).min(1.0),
            Transform::LogLog => point.waiting.powf((-far / point.waiting.ln().abs()).exp()),
        })
    }
}

/// Two shares that differ by no more than rounding are one.
const SAME: f64 = 1e-9;

/// Where a falling curve reaches a share. Where a value cannot be told it reaches nothing.
fn crossing(curve: impl Iterator<Item = (f64, Option<f64>)>, share: f64) -> Option<f64> {
    let mut exact: Option<f64> = None;
    for (time, value) in curve {
        match (value, exact) {
            (Some(value), None) if (value - share).abs() < SAME => exact = Some(time),
            (Some(value), Some(from)) if value < share - SAME => return Some(f64::midpoint(from, time)),
            (Some(value), None) if value < share => return Some(time),
            (Some(_) | None, _) => {}
        }
    }
    exact
}
