//! How long until something happens, with people to whom it has not happened yet: time to first value.
//!
//! Whoever still waits counts with the time they have waited so far (right-censored). Leaving them out, as the plain median
//! of those who arrived does, lies: of 228 people of the lung data 226 days instead of 310.
//!
//! [`Curve`] is Kaplan and Meier's (1958); [`compare`] asks whether groups differ; [`competing`] is for those to whom
//! something else happened first, as leaving the company.

pub mod compare;
pub mod competing;
mod curve;

pub use curve::{Curve, Mean, Point, Transform};

/// How somebody's wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It happened.
    Reached,
    /// It had not happened when last looked.
    StillWaiting,
    /// It can no longer happen: they left, or were moved to something else.
    Otherwise,
}

/// One person's wait, in a unit of the caller's choice (days here).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wait {
    entry: f64,
    time: f64,
    end: End,
}

/// Why a wait cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// Not a number, or endless.
    #[error("a time is a number")]
    NotANumber,
    /// Ended before it began.
    #[error("a wait cannot end before it begins")]
    Negative,
    /// Nobody looked at it while it lasted.
    #[error("a wait has to end after it was first looked at")]
    NotSeen,
}

impl Wait {
    /// A wait looked at from its beginning on.
    pub fn new(time: f64, end: End) -> Result<Self, WaitError> {
        Self::seen_from(0.0, time, end)
    }

    /// A wait that was under way for `entry` already when it was first looked at (left-truncated): it says nothing about
    /// those who had arrived by then.
    pub fn seen_from(entry: f64, time: f64, end: End) -> Result<Self, WaitError> {
        if !(entry.is_finite() && time.is_finite()) {
            return Err(WaitError::NotANumber);
        }
        if entry < 0.0 || time < 0.0 {
            return Err(WaitError::Negative);
        }
        // Somebody who arrived at once was looked at all the same.
        if time <= entry && entry > 0.0 {
            return Err(WaitError::NotSeen);
        }
        // Adding 0 makes -0 the same time as 0.
        Ok(Self { entry: entry + 0.0, time: time + 0.0, end })
    }

    /// How long it lasted, so far.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// How it ended.
    pub fn end(&self) -> End {
        self.end
    }
}

/// What happened at one time, and to how many it could have.
#[derive(Debug, Clone, Copy)]
struct Moment {
    time: f64,
    at_risk: u64,
    reached: u64,
    otherwise: u64,
    still_waiting: u64,
}

/// Waits in the order in which they end and are first looked at.
struct Sorted {
    by_end: Vec<Wait>,
    entries: Vec<f64>,
}

impl Sorted {
    fn of(waits: &[Wait]) -> Self {
        let mut by_end = waits.to_vec();
        by_end.sort_unstable_by(|a, b| a.time.total_cmp(&b.time));
        let mut entries: Vec<f64> = waits.iter().map(|wait| wait.entry).collect();
        entries.sort_unstable_by(f64::total_cmp);
        Self { by_end, entries }
    }

    /// How many had been looked at before a time and lasted until it at least.
    fn at_risk(&self, time: f64) -> u64 {
        let entered = self.entries.partition_point(|entry| is_in(*entry, time));
        let over = self.by_end.partition_point(|wait| wait.time < time);
        count(entered.saturating_sub(over))
    }

    /// To how many it happened at a time.
    fn reached(&self, time: f64) -> u64 {
        let from = self.by_end.partition_point(|wait| wait.time < time);
        let there = self.by_end.iter().skip(from).take_while(|wait| wait.time <= time);
        count(there.filter(|wait| wait.end == End::Reached).count())
    }

    /// Each time at which a wait ends.
    fn moments(&self) -> impl Iterator<Item = Moment> {
        let (mut entered, mut over) = (0, 0);
        self.by_end.chunk_by(|a, b| a.time.total_cmp(&b.time).is_eq()).filter_map(move |together| {
            let time = together.first()?.time;
            entered += self.entries.iter().skip(entered).take_while(|entry| is_in(**entry, time)).count();
            let at_risk = count(entered.saturating_sub(over));
            over += together.len();
            let with = |end: End| count(together.iter().filter(|wait| wait.end == end).count());
            Some(Moment {
                time,
                at_risk,
                reached: with(End::Reached),
                otherwise: with(End::Otherwise),
                still_waiting: with(End::StillWaiting),
            })
        })
    }
}

/// Whether who was first looked at then is at risk at a time. Those looked at from the beginning on are at the beginning.
fn is_in(entry: f64, time: f64) -> bool {
    entry < time || entry == 0.0
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

/// The median of those who arrived, and nothing of the others: what is usually reported, shown beside the honest figure.
pub fn median_of_those_who_arrived(waits: &[Wait]) -> Option<f64> {
    let mut times: Vec<f64> = waits.iter().filter(|wait| wait.end == End::Reached).map(Wait::time).collect();
    times.sort_by(f64::total_cmp);
    let half = times.len() / 2;
    match times.len() {
        0 => None,
        odd if odd % 2 == 1 => times.get(half).copied(),
        _ => Some(f64::midpoint(*times.get(half - 1)?, *times.get(half)?)),
    }
}
