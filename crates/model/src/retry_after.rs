use std::time::Duration;

use crate::Timestamp;

/// What a `Retry-After` header says (RFC 9110, section 10.2.3): seconds, or a moment. One that has passed is no wait;
/// `None` when it is neither.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are more than anybody waits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    // An IMF-fixdate is a date of RFC 2822 with the zone GMT.
    let moment = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    Some(
        moment
            .to_utc()
            .signed_duration_since(now)
            .to_std()
            .unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::retry_after;
    use crate::Timestamp;

    fn now() -> Timestamp {
        Timestamp::from_timestamp(784_111_777, 0).expect("a moment")
    }

    #[test]
    fn seconds_or_a_moment() {
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("soon", None),
            ("1.5", None),
        ] {
            assert_eq!(
                retry_after(value, now()),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_without_harm(value in "\\PC{0,40}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4,6} [0-9:]{8} GMT") {
            let _ = retry_after(&value, now());
        }
    }
}
