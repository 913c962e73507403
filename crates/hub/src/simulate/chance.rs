//! Numbers that look random and are the same for the same seed, on every machine: `SplitMix64` (Steele, Lea and Flood 2014).

/// A source of them.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `end`; 0 if that is nothing.
    pub(super) fn below(&mut self, end: i64) -> i64 {
        match u64::try_from(end) {
            Ok(end) if end > 0 => i64::try_from(self.next() % end).unwrap_or(0),
            _ => 0,
        }
    }

    /// From `from` to below `to`.
    pub(super) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to - from)
    }

    /// Yes, so often in a thousand.
    pub(super) fn in_a_thousand(&mut self, often: i64) -> bool {
        self.below(1_000) < often
    }

    /// Sixteen bytes.
    pub(super) fn bytes(&mut self) -> [u8; 16] {
        (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes()
    }
}
