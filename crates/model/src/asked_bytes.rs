use std::ops::Range;

/// What of a file is asked for by a `Range` header (RFC 9110, section 14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedBytes {
    /// All of it: no range, one that is not understood, or several at once.
    Whole,
    /// These bytes: at least one, all inside.
    Part(Range<u64>),
    /// Bytes that the file does not have.
    Outside,
}

impl AskedBytes {
    /// Reads the header for a file of `size` bytes.
    #[must_use]
    pub fn of(header: &str, size: u64) -> Self {
        let Some((unit, set)) = header.split_once('=') else {
            return Self::Whole;
        };
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return Self::Whole;
        }
        let Some((first, last)) = set.trim().split_once('-') else {
            return Self::Whole;
        };
        let range = match (first.trim(), last.trim()) {
            ("", last) => match number(last) {
                Some(0) => return Self::Outside,
                Some(count) => size.saturating_sub(count)..size,
                None => return Self::Whole,
            },
            (first, "") => match number(first) {
                Some(first) => first..size,
                None => return Self::Whole,
            },
            (first, last) => match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
                _ => return Self::Whole,
            },
        };
        if range.is_empty() {
            Self::Outside
        } else {
            Self::Part(range)
        }
    }
}

/// Digits alone; more of them than a file can have are as many as there can be.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::AskedBytes;

    #[rstest]
    #[case("bytes=0-0", AskedBytes::Part(0..1))]
    #[case("bytes=0-", AskedBytes::Part(0..10))]
    #[case("bytes=4-6", AskedBytes::Part(4..7))]
    #[case("BYTES = 4-600", AskedBytes::Part(4..10))]
    #[case("bytes=-3", AskedBytes::Part(7..10))]
    #[case("bytes=-30", AskedBytes::Part(0..10))]
    #[case("bytes=9-99999999999999999999999", AskedBytes::Part(9..10))]
    #[case("bytes=10-", AskedBytes::Outside)]
    #[case("bytes=99999999999999999999999-", AskedBytes::Outside)]
    #[case("bytes=-0", AskedBytes::Outside)]
    #[case("bytes=6-4", AskedBytes::Whole)]
    #[case("bytes=0-1,4-5", AskedBytes::Whole)]
    #[case("bytes=-", AskedBytes::Whole)]
    #[case("bytes=+1-2", AskedBytes::Whole)]
    #[case("lines=0-1", AskedBytes::Whole)]
    #[case("", AskedBytes::Whole)]
    fn of_ten_bytes(#[case] header: &str, #[case] asked: AskedBytes) {
        assert_eq!(AskedBytes::of(header, 10), asked);
    }

    proptest! {
        #[test]
        fn what_is_given_is_inside(header in "(bytes=)?[0-9,-]{0,24}|[ -~]{0,24}", size in 0..=u64::MAX) {
            if let AskedBytes::Part(range) = AskedBytes::of(&header, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }

        #[test]
        fn a_written_range_is_read(start in 0u64..1 << 40, more in 0u64..1 << 40, size in 1u64..1 << 41) {
            let asked = AskedBytes::of(&format!("bytes={start}-{}", start + more), size);
            let expected = if start >= size { AskedBytes::Outside } else { AskedBytes::Part(start..size.min(start + more + 1)) };
            prop_assert_eq!(asked, expected);
        }
    }
}
