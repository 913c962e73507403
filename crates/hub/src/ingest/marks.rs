//! Which sequences of a device were settled: a high-water mark and the gaps below it. Two numbers for most devices,
//! where a unique index over every event would cost most of the time it takes to write one. Pure.

/// How many stretches may be missing at once. A device that skips more sends what is missing first.
pub const MOST_GAPS: usize = 1_000;

/// The settled sequences of one device. Sequences begin with 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    high: u64,
    /// First and last of each stretch that is missing, ascending, never touching.
    gaps: Vec<(u64, u64)>,
}

/// What settling a sequence found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// It was open and is settled now.
    Now,
    /// It was settled before.
    Before,
    /// It is open and stays so: there would be more than [`MOST_GAPS`].
    TooManyGaps,
}

/// Where a sequence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Higher than all that were settled.
    Above {
        /// Whether some below it are missing then.
        skips: bool,
    },
    /// In a stretch that is missing.
    InGap {
        /// Its place among [`Marks::gaps`].
        index: usize,
        /// Whether it is the first of it.
        is_first: bool,
        /// Whether it is the last of it.
        is_last: bool,
    },
    /// It was settled.
    Settled,
}

impl Marks {
    /// The highest settled sequence; 0 for none.
    pub fn high(&self) -> u64 {
        self.high
    }

    /// What is missing below it.
    pub fn gaps(&self) -> &[(u64, u64)] {
        &self.gaps
    }

    /// How many are missing below it.
    pub fn missing(&self) -> u64 {
        self.gaps.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Where `sequence` is among those that were settled.
    pub fn place(&self, sequence: u64) -> Place {
        if sequence > self.high {
            return Place::Above { skips: sequence > self.high + 1 };
        }
        let index = self.gaps.partition_point(|(_, last)| *last < sequence);
        match self.gaps.get(index) {
            Some((first, last)) if *first <= sequence => {
                Place::InGap { index, is_first: *first == sequence, is_last: *last == sequence }
            }
            _ => Place::Settled,
        }
    }

    /// Settles `sequence`.
    pub fn settle(&mut self, sequence: u64) -> Settle {
        let is_full = self.gaps.len() >= MOST_GAPS;
        match self.place(sequence) {
            Place::Settled => return Settle::Before,
            Place::Above { skips: true } | Place::InGap { is_first: false, is_last: false, .. }
                if is_full =>
            {
                return Settle::TooManyGaps;
            }
            Place::Above { skips } => {
                if skips {
                    self.gaps.push((self.high + 1, sequence - 1));
                }
                self.high = sequence;
            }
            Place::InGap { index, is_first: true, is_last: true } => {
                self.gaps.remove(index);
            }
            Place::InGap { index, is_first: true, .. } => self.gaps[index].0 += 1,
            Place::InGap { index, is_last: true, .. } => self.gaps[index].1 -= 1,
            Place::InGap { index, .. } => {
                let (first, last) = self.gaps[index];
                self.gaps[index] = (first, sequence - 1);
                self.gaps.insert(index + 1, (sequence + 1, last));
            }
        }
        Settle::Now
    }

    /// As a database keeps them: the mark and the gaps, sixteen bytes each.
    pub fn to_parts(&self) -> (u64, Vec<u8>) {
        let bytes = self.gaps.iter().flat_map(|(first, last)| [first.to_be_bytes(), last.to_be_bytes()]);
        (self.high, bytes.flatten().collect())
    }

    /// The reverse of [`Self::to_parts`]; none for what it never made.
    pub fn from_parts(high: u64, bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let (pairs, odd) = numbers.as_chunks::<2>();
        let gaps: Vec<(u64, u64)> = pairs
            .iter()
            .map(|[first, last]| (u64::from_be_bytes(*first), u64::from_be_bytes(*last)))
            .collect();
        let mut above = 0;
        let ascending = gaps.iter().all(|(first, last)| {
            let fits = *first > above && first <= last && *last < high;
            above = last.saturating_add(1);
            fits
        });
        (rest.is_empty() && odd.is_empty() && ascending).then_some(Self { high, gaps })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_know_what_a_set_of_all_sequences_knows(sequences in prop::collection::vec(1_u64..200, 0..400)) {
            let mut marks = Marks::default();
            let mut all = BTreeSet::new();
            for sequence in sequences {
                let expected = if all.insert(sequence) { Settle::Now } else { Settle::Before };
                prop_assert_eq!(marks.settle(sequence), expected);
                let high = all.last().copied().unwrap_or(0);
                prop_assert_eq!(marks.high(), high);
                let missing: Vec<u64> = (1..high).filter(|one| !all.contains(one)).collect();
                let gaps: Vec<u64> = marks.gaps().iter().flat_map(|(first, last)| *first..=*last).collect();
                prop_assert_eq!(marks.missing(), missing.len() as u64);
                prop_assert_eq!(gaps, missing);
                let (high, bytes) = marks.to_parts();
                prop_assert_eq!(Marks::from_parts(high, &bytes), Some(marks.clone()));
            }
        }
    }

    #[test]
    fn a_device_that_skips_every_other_sequence_is_held_back() {
        let mut marks = Marks::default();
        let most = MOST_GAPS as u64;
        for index in 1..=most {
            assert_eq!(marks.settle(index * 3), Settle::Now);
        }
        assert_eq!(marks.settle((most + 1) * 3), Settle::TooManyGaps);
        assert_eq!(marks.high(), most * 3);
        assert_eq!(marks.settle(1), Settle::Now);
        assert_eq!(marks.settle(2), Settle::Now);
        assert_eq!(marks.settle((most + 1) * 3), Settle::Now);
    }

    #[test]
    fn what_was_never_written_is_not_read() {
        for (high, bytes) in [(5, vec![1]), (5, vec![0; 16]), (0, 1_u64.to_be_bytes().repeat(2))] {
            assert_eq!(Marks::from_parts(high, &bytes), None);
        }
    }
}
