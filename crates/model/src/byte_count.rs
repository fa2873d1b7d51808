/// A number of bytes as the headers of tus and HTTP write it: digits and nothing else; no database holds more than `i64`
/// does.
#[must_use]
pub fn byte_count(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number <= i64::MAX.unsigned_abs()).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::byte_count;

    proptest! {
        #[test]
        fn what_is_written_is_read(value in 0..=i64::MAX) {
            prop_assert_eq!(byte_count(value.to_string().as_bytes()), Some(value.unsigned_abs()));
        }

        #[test]
        fn nothing_else_is_a_number(text in "[ -~]{0,24}") {
            let written = text.parse::<u64>().is_ok_and(|n| i64::try_from(n).is_ok());
            prop_assert_eq!(byte_count(text.as_bytes()).is_some(), written && !text.starts_with('+'));
        }
    }
}
