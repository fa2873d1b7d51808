//! `Retry-After`, as any registry or engine may write it.
#![no_main]

use imagefleet_model::{Timestamp, retry_after};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = retry_after(text, Timestamp::UNIX_EPOCH);
});
