//! How many will have arrived by a time, where some leave for good before: Aalen and Johansen's estimate (1978). Taking
//! those who left for people who still wait would promise that they arrive one day.

use super::{Sorted, Wait};
use crate::interval::number;

/// The share that has arrived by a time and the share that has left by it; what is left still waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Incidence {
    /// Have arrived.
    pub reached: f64,
    /// Left, or were moved, before they arrived.
    pub otherwise: f64,
}

/// What has become of these people by a time. Nothing without anybody.
pub fn by(waits: &[Wait], time: f64) -> Option<Incidence> {
    if waits.is_empty() {
        return None;
    }
    let mut waiting = 1.0;
    let mut sofar = Incidence { reached: 0.0, otherwise: 0.0 };
    for moment in Sorted::of(waits).moments().take_while(|moment| moment.time <= time) {
        let share = |happened: u64| number(happened) / number(moment.at_risk);
        let (reached, otherwise) = (share(moment.reached), share(moment.otherwise));
        sofar.reached += waiting * reached;
        sofar.otherwise += waiting * otherwise;
        waiting *= 1.0 - reached - otherwise;
    }
    Some(sofar)
}
