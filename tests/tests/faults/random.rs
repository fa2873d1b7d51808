/// Numbers that follow from a seed (splitmix64): enough to choose with.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One of `0..bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Whether it happens this time, of so many.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these; none of none.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(all.len() as u64)).ok()?;
        all.get(at)
    }

    /// One to `most` of these, each once.
    pub fn some<T: Clone>(&mut self, all: &[T], most: u64) -> Vec<T> {
        let count = 1 + self.below(most);
        let mut left = all.to_vec();
        let mut chosen = Vec::new();
        while !left.is_empty() && (chosen.len() as u64) < count {
            let at = usize::try_from(self.below(left.len() as u64)).unwrap_or(0);
            chosen.push(left.swap_remove(at));
        }
        chosen
    }
}
