//! Randomness that can be had again: numbers from a seed and what they are for.

/// Numbers that depend on a seed and on nothing else.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Those of the same seed for one purpose.
    pub fn of(&self, purpose: &str) -> Dice {
        // FNV-1a; what follows mixes it.
        let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| {
            (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        Dice(self.0 ^ hash.rotate_left(17))
    }

    /// The next number (SplitMix64).
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit.max(1)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, share: u32) -> bool {
        self.below(100) < u64::from(share)
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len() as u64);
        from[usize::try_from(at).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides() {
        let numbers = |seed: u64, purpose: &str| -> Vec<u64> {
            let mut dice = Dice::new(seed).of(purpose);
            (0..4).map(|_| dice.below(1000)).collect()
        };
        assert_eq!(numbers(1, "a"), numbers(1, "a"));
        assert_ne!(numbers(1, "a"), numbers(2, "a"));
        assert_ne!(numbers(1, "a"), numbers(1, "b"));
    }

    #[test]
    fn shares_are_kept() {
        let mut hits = 0;
        for seed in 0..10_000 {
            hits += u32::from(Dice::new(seed).of("blob").percent(20));
        }
        assert!((1_800..2_200).contains(&hits), "{hits}");
    }
}
