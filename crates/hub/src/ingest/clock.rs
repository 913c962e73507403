//! Clocks of machines are wrong, and are set right in between. What a machine says of its clock when it sends (the handshake) tells
//! how far it is ahead of ours; when its events happened follows from that and from their order. Pure.
//!
//! Their order is that of their sequences, never that of their times: an event is never put before one that has a lower
//! sequence, however clocks were set and whatever arrived first. So each stretch of sequences that is still missing knows
//! between which moments it lies. And what has arrived has happened.

use super::marks::{Marks, Place};

/// How long a request may be on its way, in milliseconds: as long as the app waits for an answer. How far a clock is ahead is
/// not known any finer.
const ON_THE_WAY: i64 = 30_000;
/// So it is told to the minute.
const STEP: i64 = 60_000;

/// What a machine's clock said when it sent, and ours when that arrived, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshake {
    /// Theirs.
    pub sent: i64,
    /// Ours.
    pub arrived: i64,
}

impl Handshake {
    /// How far the machine's clock is ahead of ours, in milliseconds, to the minute; below 0 it is behind. The request took
    /// between nothing and [`ON_THE_WAY`]: half of that is assumed.
    pub fn skew(self) -> i64 {
        let ahead = self.sent.saturating_sub(self.arrived).saturating_add(ON_THE_WAY / 2);
        ahead.saturating_add(STEP / 2).div_euclid(STEP).saturating_mul(STEP)
    }
}

/// Between which moments something happened, in milliseconds, as far as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Between {
    after: Option<i64>,
    before: Option<i64>,
}

/// What is known of one machine's clock and of when its events happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// How far it was ahead when it last said so, in milliseconds.
    skew: Option<i64>,
    /// When the event with the highest sequence happened.
    latest: Option<i64>,
    /// One for each gap of its [`Marks`].
    gaps: Vec<Between>,
}

impl Course {
    /// How far the clock was ahead of ours when the machine last said so, in milliseconds.
    pub fn skew(&self) -> Option<i64> {
        self.skew
    }

    /// When events happened, by our clock: of sequences and times by the machine's own, in the order of `told`. Nothing for those
    /// that are settled.
    pub fn place(&self, marks: &Marks, handshake: Handshake, told: &[(u64, i64)]) -> Vec<Option<i64>> {
        let mut order: Vec<usize> = (0..told.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(told.get(*index).map(|(sequence, _)| *sequence)));
        let mut placed = vec![None; told.len()];
        let mut skew = handshake.skew();
        // From the last one back: what came after is known best, and sending came after everything.
        let (mut next_time, mut next_at) = (handshake.sent, handshake.arrived);
        for index in order {
            let Some(&(sequence, time)) = told.get(index) else { continue };
            let Some(Between { after, before }) = self.between(marks.place(sequence)) else { continue };
            let latest = before.map_or(next_at, |before| before.min(next_at));
            let earliest = after.unwrap_or(i64::MIN).min(latest);
            let fits = |skew: i64| (earliest..=latest).contains(&time.saturating_sub(skew));
            if !fits(skew) {
                if let Some(earlier) = self.skew.filter(|earlier| fits(*earlier)) {
                    // It is of before the clock was set.
                    skew = earlier;
                } else if time > next_time {
                    // The clock was set back after it, nobody knows how long after: at once, then.
                    skew = time.saturating_sub(latest);
                }
            }
            let at = time.saturating_sub(skew).clamp(earliest, latest);
            if let Some(placed) = placed.get_mut(index) {
                *placed = Some(at);
            }
            (next_time, next_at) = (time, at);
        }
        placed
    }

    /// Between which moments an open sequence lies; nothing if it is settled.
    fn between(&self, place: Place) -> Option<Between> {
        match place {
            Place::Above { .. } => Some(Between { after: self.latest, before: None }),
            Place::InGap { index, .. } => Some(self.gaps.get(index).copied().unwrap_or_default()),
            Place::Settled => None,
        }
    }

    /// Remembers how the clock went.
    pub fn heard(&mut self, handshake: Handshake) {
        self.skew = Some(handshake.skew());
    }

    /// Follows a sequence that is settled: from where it was, and when it happened, unless it was refused.
    pub fn follow(&mut self, place: Place, at: Option<i64>) {
        match place {
            Place::Settled => {}
            Place::Above { skips } => {
                if skips {
                    self.gaps.push(Between { after: self.latest, before: at });
                }
                self.latest = at.or(self.latest);
            }
            Place::InGap { index, is_first, is_last } => {
                let Some(gap) = self.gaps.get_mut(index) else { return };
                let Between { after, before } = *gap;
                let below = Between { after, before: at.or(before) };
                let above = Between { after: at.or(after), before };
                match (is_first, is_last) {
                    (true, true) => drop(self.gaps.remove(index)),
                    (true, false) => *gap = above,
                    (false, true) => *gap = below,
                    (false, false) => {
                        *gap = below;
                        self.gaps.insert(index + 1, above);
                    }
                }
            }
        }
    }

    /// As a database keeps it: skew, latest, and both ends of each gap, sixteen bytes each.
    pub fn to_parts(&self) -> (Option<i64>, Option<i64>, Vec<u8>) {
        let ends = |gap: &Between| [gap.after.unwrap_or(i64::MIN), gap.before.unwrap_or(i64::MAX)];
        let bytes = self.gaps.iter().flat_map(ends).flat_map(i64::to_be_bytes);
        (self.skew, self.latest, bytes.collect())
    }

    /// The reverse of [`Self::to_parts`]. A hub that knew nothing of clocks may have moved the marks since: then nothing is
    /// known of the gaps.
    pub fn from_parts(marks: &Marks, skew: Option<i64>, latest: Option<i64>, bytes: &[u8]) -> Self {
        let mut gaps: Vec<Between> = around(bytes).map(|(after, before)| Between { after, before }).collect();
        if gaps.len() != marks.gaps().len() {
            gaps = vec![Between::default(); marks.gaps().len()];
        }
        Self { skew, latest, gaps }
    }
}

/// Between which moments the gaps lie, in milliseconds, from the bytes of [`Course::to_parts`].
pub fn around(bytes: &[u8]) -> impl Iterator<Item = (Option<i64>, Option<i64>)> {
    let (numbers, _) = bytes.as_chunks::<8>();
    let (pairs, _) = numbers.as_chunks::<2>();
    let known =
        |end: [u8; 8]| Some(i64::from_be_bytes(end)).filter(|end| ![i64::MIN, i64::MAX].contains(end));
    pairs.iter().map(move |[after, before]| (known(*after), known(*before)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const YEAR: i64 = 365 * 24 * 3_600_000;
    const MINUTE: i64 = 60_000;
    /// Some moment.
    const NOW: i64 = 1_800_000_000_000;

    /// A device as the hub knows it.
    #[derive(Debug, Clone, Default)]
    struct Known {
        marks: Marks,
        course: Course,
        placed: std::collections::BTreeMap<u64, i64>,
    }

    impl Known {
        /// Takes a batch in, as a store does.
        fn take(&mut self, handshake: Handshake, told: &[(u64, i64)]) {
            let placed = self.course.place(&self.marks, handshake, told);
            for ((sequence, _), at) in told.iter().zip(placed) {
                let place = self.marks.place(*sequence);
                if self.marks.settle(*sequence) == crate::ingest::marks::Settle::Now {
                    self.course.follow(place, at);
                    self.placed.insert(*sequence, at.unwrap());
                }
            }
            self.course.heard(handshake);
            let (skew, latest, bytes) = self.course.to_parts();
            assert_eq!(Course::from_parts(&self.marks, skew, latest, &bytes), self.course);
        }
    }

    fn sent(ahead: i64, arrived: i64) -> Handshake {
        Handshake { sent: arrived + ahead, arrived }
    }

    #[test]
    fn how_far_a_clock_is_ahead_is_known_to_the_minute_however_long_a_request_takes() {
        for minutes in [-525_600, -180, -1, 0, 1, 20, 525_600] {
            for took in [0, 1, 999, 15_000, 29_999] {
                let handshake = Handshake { sent: NOW + minutes * MINUTE, arrived: NOW + took };
                assert_eq!(handshake.skew(), minutes * MINUTE, "{minutes} minutes, {took} ms");
            }
        }
        for absurd in [i64::MIN, i64::MAX] {
            assert_eq!(Handshake { sent: absurd, arrived: NOW }.skew().signum(), absurd.signum());
        }
    }

    #[test]
    fn f6_a_clock_that_is_set_right_leaves_what_happened_where_it_was() {
        for ahead in [YEAR, -YEAR] {
            let mut known = Known::default();
            known.take(sent(ahead, NOW - 5_000_000), &[(1, NOW - 6_000_000 + ahead)]);
            // Two more by the wrong clock, then it is set right, and one more.
            let told = [(2, NOW - 4_000_000 + ahead), (3, NOW - 3_000_000 + ahead), (4, NOW - 1_000_000)];
            known.take(sent(0, NOW), &told);
            let expected = [NOW - 6_000_000, NOW - 4_000_000, NOW - 3_000_000, NOW - 1_000_000];
            assert_eq!(known.placed.into_values().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn f6_what_a_hub_never_knew_the_clock_of_has_happened_before_what_came_after() {
        let mut known = Known::default();
        // A machine that believed to be in next year, until its first look at the network.
        let told = [(1, NOW + YEAR), (2, NOW + YEAR + MINUTE), (3, NOW - 7_000)];
        known.take(sent(0, NOW), &told);
        let expected = [NOW - 7_000 - MINUTE, NOW - 7_000, NOW - 7_000];
        assert_eq!(known.placed.into_values().collect::<Vec<_>>(), expected);
        // And nothing happens after it arrived.
        let mut known = Known::default();
        known.take(sent(0, NOW), &[(1, NOW + YEAR)]);
        assert_eq!(known.placed[&1], NOW);
    }

    #[test]
    fn what_a_hub_without_clocks_left_is_taken_as_unknown() {
        let marks = Marks::from_parts(9, &[3_u64.to_be_bytes(), 5_u64.to_be_bytes()].concat()).unwrap();
        let course = Course::from_parts(&marks, None, None, &[]);
        assert_eq!(course.place(&marks, sent(0, NOW), &[(4, NOW - 5), (9, NOW)]), [Some(NOW - 5), None]);
    }

    /// Of the event with that sequence.
    fn nth(of: &[i64], sequence: u64) -> i64 {
        of[usize::try_from(sequence).unwrap() - 1]
    }

    /// Sequences in batches, in an order in which they may arrive.
    fn batches(events: usize) -> impl Strategy<Value = Vec<Vec<u64>>> {
        let sequences: Vec<u64> = (1..=events as u64).collect();
        (Just(sequences).prop_shuffle(), prop::collection::vec(1_usize..9, 1..20)).prop_map(
            |(sequences, sizes)| {
                let mut rest = sequences.as_slice();
                let mut batches = Vec::new();
                for size in sizes.iter().cycle() {
                    if rest.is_empty() {
                        break;
                    }
                    let (batch, more) = rest.split_at((*size).min(rest.len()));
                    batches.push(batch.to_vec());
                    rest = more;
                }
                batches
            },
        )
    }

    proptest! {
        #[test]
        fn f6_a_wrong_clock_changes_nothing_whatever_arrives_first(
            minutes in -600_000_i64..600_000, took in 0_i64..25_000, gaps in prop::collection::vec(0_i64..9_000_000, 40),
            batches in batches(40),
        ) {
            let mut at = NOW - 40 * 9_000_000;
            let happened: Vec<i64> = gaps.iter().map(|gap| { at += gap; at }).collect();
            let ahead = minutes * MINUTE;
            let mut known = Known::default();
            for batch in batches {
                let told: Vec<(u64, i64)> =
                    batch.iter().map(|sequence| (*sequence, nth(&happened, *sequence) + ahead)).collect();
                known.take(Handshake { sent: NOW + ahead, arrived: NOW + took }, &told);
            }
            prop_assert_eq!(known.placed.into_values().collect::<Vec<_>>(), happened);
        }

        #[test]
        fn f6_no_clock_and_no_order_of_arrival_puts_an_event_before_one_that_came_first(
            times in prop::collection::vec(-2 * YEAR..2 * YEAR, 40), batches in batches(40),
            clocks in prop::collection::vec(-2 * YEAR..2 * YEAR, 1..10),
        ) {
            let mut known = Known::default();
            let mut arrived = NOW;
            for (batch, ahead) in batches.iter().zip(clocks.iter().cycle()) {
                let told: Vec<(u64, i64)> =
                    batch.iter().map(|sequence| (*sequence, NOW + nth(&times, *sequence))).collect();
                known.take(sent(*ahead, arrived), &told);
                arrived += 1_000;
            }
            prop_assert_eq!(known.placed.len(), 40);
            prop_assert!(known.placed.values().is_sorted(), "{:?}", known.placed);
            prop_assert!(known.placed.values().all(|at| *at <= arrived));
        }
    }
}
