/// What a page shows of a sequence of parts: references, or servers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// How much all parts count together.
    pub total: u64,
    /// Rows of the parts that the page touches, in order.
    pub parts: Vec<i64>,
    /// How much of the first one lies before the page.
    pub skip: u64,
}

impl Slice {
    /// What lies from `offset` on in a sequence of rows and how much each counts, as far as a page of `size` goes.
    pub fn cut(in_order: impl Iterator<Item = (i64, u64)>, offset: u64, size: u64) -> Self {
        let end = offset.saturating_add(size);
        let mut slice = Self::default();
        for (id, count) in in_order.filter(|(_, count)| *count > 0) {
            let before = slice.total;
            slice.total += count;
            if slice.total > offset && before < end {
                if slice.parts.is_empty() {
                    slice.skip = offset - before;
                }
                slice.parts.push(id);
            }
        }
        slice
    }
}

#[cfg(test)]
mod tests {
    use super::Slice;

    #[test]
    fn a_page_falls_on_some_of_a_sequence() {
        let cut = |offset, size| {
            let all = [(1, 3), (2, 0), (3, 5), (4, 2)];
            let slice = Slice::cut(all.into_iter(), offset, size);
            assert_eq!(slice.total, 10);
            (slice.parts, slice.skip)
        };
        assert_eq!(cut(0, 2), (vec![1], 0));
        assert_eq!(cut(2, 4), (vec![1, 3], 2));
        assert_eq!(cut(3, 5), (vec![3], 0));
        assert_eq!(cut(9, 9), (vec![4], 1));
        assert_eq!(cut(10, 5), (vec![], 0));
        assert_eq!(cut(u64::MAX, 5), (vec![], 0));
        assert_eq!(cut(0, 0), (vec![], 0));
    }
}
