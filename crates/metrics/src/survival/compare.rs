//! Whether groups differ in how long they wait.

use statrs::distribution::{ChiSquared, ContinuousCDF as _};

use super::{Curve, End, Sorted, Wait};
use crate::{Interval, Level, interval::number};

/// What the log-rank test says.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRank {
    /// The statistic.
    pub chi2: f64,
    /// Degrees of freedom: one less than there are groups.
    pub df: u64,
    /// How likely a difference at least as large is where there is none.
    pub p: f64,
    /// To how many it happened in each group.
    pub observed: Vec<u64>,
    /// To how many it would have, were the groups alike.
    pub expected: Vec<f64>,
}

/// The log-rank test (Mantel 1966) with the hypergeometric variance. A group in which nobody could have arrived while others
/// did says nothing and takes no degree of freedom. Nothing where fewer than two groups say something.
pub fn log_rank(groups: &[&[Wait]]) -> Option<LogRank> {
    let sorted: Vec<Sorted> = groups.iter().map(|waits| Sorted::of(waits)).collect();
    let mut times: Vec<f64> = groups
        .iter()
        .flat_map(|waits| waits.iter().filter(|wait| wait.end == End::Reached).map(Wait::time))
        .collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let mut observed = vec![0_u64; groups.len()];
    let mut expected = vec![0.0; groups.len()];
    let mut variance = vec![vec![0.0; groups.len()]; groups.len()];
    for time in times {
        let at_risk: Vec<f64> = sorted.iter().map(|waits| number(waits.at_risk(time))).collect();
        let reached: Vec<u64> = sorted.iter().map(|waits| waits.reached(time)).collect();
        let (all, happened) = (at_risk.iter().sum::<f64>(), number(reached.iter().sum()));
        let shares: Vec<f64> = at_risk.iter().map(|risk| risk / all).collect();
        for (index, share) in shares.iter().enumerate() {
            observed[index] += reached[index];
            expected[index] += happened * share;
        }
        if all <= 1.0 {
            continue;
        }
        let spread = happened * (all - happened) / (all - 1.0);
        for (row, line) in variance.iter_mut().enumerate() {
            for (column, cell) in line.iter_mut().enumerate() {
                let same = if row == column { 1.0 } else { 0.0 };
                *cell += spread * shares[row] * (same - shares[column]);
            }
        }
    }
    // One of those that say something follows from the others.
    let telling: Vec<usize> = (0..groups.len()).filter(|group| expected[*group] > 0.0).collect();
    let (_, free) = telling.split_last().filter(|(_, free)| !free.is_empty())?;
    let excess: Vec<f64> = free.iter().map(|group| number(observed[*group]) - expected[*group]).collect();
    let matrix = free.iter().map(|row| free.iter().map(|column| variance[*row][*column]).collect()).collect();
    let weights = solve(matrix, excess.clone())?;
    let chi2 = excess.iter().zip(&weights).map(|(excess, weight)| excess * weight).sum::<f64>().max(0.0);
    let df = u64::try_from(free.len()).ok()?;
    let p = ChiSquared::new(number(df)).ok()?.sf(chi2);
    Some(LogRank { chi2, df, p, observed, expected })
}

/// By how much shorter the mean wait up to a time is in the second group; below 0: longer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// In the unit of the waits.
    pub value: f64,
    /// How sure that is.
    pub interval: Interval,
}

/// The difference of restricted means. Nothing if one of them cannot be told up to that time.
pub fn gain(before: &Curve, after: &Curve, until: f64, level: Level) -> Option<Gain> {
    let (before, after) = (before.restricted_mean(until)?, after.restricted_mean(until)?);
    let value = before.value - after.value;
    let half = level.z() * before.error.hypot(after.error);
    Some(Gain { value, interval: Interval::around(value, half) })
}

/// Solves a small symmetric system by elimination with pivots; nothing if it has no single solution.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for column in 0..size {
        let pivot =
            (column..size).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        if matrix[pivot][column].abs() < f64::EPSILON {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..size {
            let factor = matrix[row][column] / matrix[column][column];
            let (above, below) = matrix.split_at_mut(row);
            for (cell, pivot) in below[0].iter_mut().zip(&above[column]).skip(column) {
                *cell -= factor * pivot;
            }
            right[row] -= factor * right[column];
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|at| matrix[row][at] * right[at]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    Some(right)
}
