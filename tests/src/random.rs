//! Numbers by chance that a seed makes again: SplitMix64, with a taste for the numbers at which things break.

/// A source of numbers; the same seed gives the same ones.
#[derive(Clone, Debug)]
pub struct Random(u64);

/// A seed that nobody had before.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "the wall clock decides nothing here: it makes a number that is new"
)]
pub fn new_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Random::new(now.unwrap_or_default().as_nanos() as u64).bits() >> 16
}

impl Random {
    /// The source that `seed` gives.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        self.bits() % end.max(1)
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    ///
    /// # Panics
    /// If there is none.
    #[allow(
        clippy::indexing_slicing,
        reason = "what is chosen from in a test is there"
    )]
    pub fn pick<'a, T: ?Sized>(&mut self, of: &'a [&'a T]) -> &'a T {
        let index = self.below(of.len() as u64);
        of[usize::try_from(index).unwrap_or(0)]
    }

    /// A number of at most `bits` bits: small, all ones, one bit, or anything.
    pub fn number(&mut self, bits: u16) -> u128 {
        let full = if bits >= 128 {
            u128::MAX
        } else {
            (1 << bits) - 1
        };
        let any = u128::from(self.bits()) << 64 | u128::from(self.bits());
        let found = match self.below(8) {
            0 => u128::from(self.below(3)),
            1 => full,
            2 => full - u128::from(self.below(2)),
            3 => 1 << self.below(u64::from(bits.clamp(1, 128))),
            4 => u128::from(self.below(300)),
            _ => any,
        };
        found & full
    }

    /// [`Random::number`] of 8 bits.
    pub fn u8(&mut self) -> u8 {
        u8::try_from(self.number(8)).unwrap_or(0)
    }

    /// [`Random::number`] of 16 bits.
    pub fn u16(&mut self) -> u16 {
        u16::try_from(self.number(16)).unwrap_or(0)
    }

    /// [`Random::number`] of 32 bits.
    pub fn u32(&mut self) -> u32 {
        u32::try_from(self.number(32)).unwrap_or(0)
    }

    /// [`Random::number`] of 64 bits.
    pub fn u64(&mut self) -> u64 {
        u64::try_from(self.number(64)).unwrap_or(0)
    }
}
