//! Where the time to first value went. Every second between clock start and first value is counted once, for the first
//! kind that applies: the machine worked; something had failed; it was the newcomer's turn; somebody else's; nobody's.

use jiff::Timestamp;

/// Kinds of time, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The machine worked.
    Automatic,
    /// Something had failed and was not yet mended.
    Failing,
    /// It was the newcomer's turn.
    HandsOn,
    /// It was somebody else's turn.
    Waiting,
    /// None of these.
    Away,
}

/// All kinds, strongest first.
pub const KINDS: [Kind; 5] = [Kind::Automatic, Kind::Failing, Kind::HandsOn, Kind::Waiting, Kind::Away];

/// A stretch of time of one kind. Stretches may overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its kind.
    pub kind: Kind,
    /// From.
    pub from: Timestamp,
    /// To (not included).
    pub to: Timestamp,
}

/// Milliseconds of each kind in `[from, to)`, in the order of [`KINDS`]; they add up to `to - from`.
pub fn split(stretches: &[Stretch], from: Timestamp, to: Timestamp) -> [(Kind, i64); 5] {
    let (from, to) = (from.as_millisecond(), to.as_millisecond().max(from.as_millisecond()));
    let mut edges: Vec<(i64, usize, i32)> = Vec::with_capacity(stretches.len() * 2);
    for stretch in stretches {
        let start = stretch.from.as_millisecond().clamp(from, to);
        let end = stretch.to.as_millisecond().clamp(from, to);
        if start < end {
            edges.push((start, stretch.kind as usize, 1));
            edges.push((end, stretch.kind as usize, -1));
        }
    }
    edges.push((to, Kind::Away as usize, 0));
    edges.sort_unstable();
    let mut open = [0_i32; 5];
    let mut sums = [0_i64; 5];
    let mut at = from;
    for (moment, kind, change) in edges {
        let strongest = open.iter().position(|&count| count > 0).unwrap_or(Kind::Away as usize);
        sums[strongest] += moment - at;
        at = moment;
        open[kind] += change;
    }
    KINDS.map(|kind| (kind, sums[kind as usize]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn stretch(kind: Kind, from: i64, to: i64) -> Stretch {
        Stretch { kind, from: at(from), to: at(to) }
    }

    #[test]
    fn every_second_counts_once_for_the_strongest_kind() {
        let stretches = [
            stretch(Kind::Waiting, 10, 100),
            stretch(Kind::Automatic, 20, 30),
            stretch(Kind::Automatic, 25, 40),
            stretch(Kind::HandsOn, 35, 50),
            stretch(Kind::Failing, 90, 200),
        ];
        let parts = split(&stretches, at(0), at(120));
        let expected = [
            (Kind::Automatic, 20_000),
            (Kind::Failing, 30_000),
            (Kind::HandsOn, 10_000),
            (Kind::Waiting, 50_000),
            (Kind::Away, 10_000),
        ];
        assert_eq!(parts, expected);
        assert_eq!(parts.iter().map(|(_, ms)| ms).sum::<i64>(), 120_000);
    }

    #[test]
    fn an_end_before_the_start_is_no_time() {
        assert!(split(&[], at(10), at(5)).iter().all(|(_, ms)| *ms == 0));
    }
}
