//! The mean of some values, and how sure it is: Student's interval (1908).

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use crate::{Interval, Level, interval::number};

/// A mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// How sure that is; of one value nothing can be told.
    pub interval: Interval,
}

/// The mean of these values; nothing of none.
pub fn mean(values: &[f64], level: Level) -> Option<Mean> {
    let n = number(u64::try_from(values.len()).ok().filter(|n| *n > 0)?);
    let value = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|each| (each - value).powi(2)).sum();
    let interval = match StudentsT::new(0.0, 1.0, n - 1.0) {
        Ok(student) => {
            let half = student.inverse_cdf(level.upper()) * (squares / (n - 1.0) / n).sqrt();
            Interval::around(value, half)
        }
        Err(_) => Interval { low: None, high: None },
    };
    Some(Mean { value, interval })
}
