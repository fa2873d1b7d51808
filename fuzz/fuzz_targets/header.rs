//! Headers as any registry, engine or browser may write them: `Retry-After`, `Range`, and the numbers of tus. What is asked
//! for lies inside the file, and what is read as a number is written so.
#![no_main]

use imagefleet_model::{AskedBytes, Timestamp, byte_count, retry_after};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u64, &str)| {
    let (size, text) = data;
    let _ = retry_after(text, Timestamp::UNIX_EPOCH);
    if let AskedBytes::Part(range) = AskedBytes::of(text, size) {
        assert!(range.start < range.end && range.end <= size, "{range:?} of {size}");
    }
    if let Some(number) = byte_count(text.as_bytes()) {
        assert!(i64::try_from(number).is_ok() && text.trim_start_matches('0') == number.to_string().trim_start_matches('0'));
    }
});
