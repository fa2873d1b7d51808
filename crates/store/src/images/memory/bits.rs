/// Some of the slots of references.
#[derive(Debug, Clone, Default)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// None of so many.
    pub fn none(slots: usize) -> Self {
        Self(vec![0; slots.div_ceil(64)])
    }

    /// All of so many.
    pub fn all(slots: usize) -> Self {
        Self(vec![u64::MAX; slots.div_ceil(64)])
    }

    /// Whether a slot is among them.
    pub fn has(&self, slot: u32) -> bool {
        let word = self.0.get(slot as usize / 64).copied().unwrap_or_default();
        word >> (slot % 64) & 1 == 1
    }

    /// Adds a slot.
    pub fn add(&mut self, slot: u32) {
        if let Some(word) = self.0.get_mut(slot as usize / 64) {
            *word |= 1 << (slot % 64);
        }
    }

    /// Only those that are in the others too.
    pub fn keep(&mut self, others: &Self) {
        for (word, other) in self.0.iter_mut().zip(&others.0) {
            *word &= other;
        }
    }

    /// Those of the others too.
    pub fn join(&mut self, others: &Self) {
        for (word, other) in self.0.iter_mut().zip(&others.0) {
            *word |= other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    fn bits(slots: &[u32]) -> Bits {
        let mut bits = Bits::none(130);
        for slot in slots {
            bits.add(*slot);
        }
        bits
    }

    fn there(bits: &Bits) -> Vec<u32> {
        (0..200).filter(|slot| bits.has(*slot)).collect()
    }

    #[test]
    fn slots_are_added_kept_and_joined() {
        let (one, other) = (bits(&[0, 63, 64, 129]), bits(&[63, 65, 129]));
        assert_eq!(there(&one), [0, 63, 64, 129]);
        let mut both = one.clone();
        both.keep(&other);
        assert_eq!(there(&both), [63, 129]);
        let mut either = one;
        either.join(&other);
        assert_eq!(there(&either), [0, 63, 64, 65, 129]);
        assert!(there(&Bits::all(130)).starts_with(&[0, 1, 2]));
        assert_eq!(there(&Bits::none(130)), Vec::<u32>::new());
    }
}
