//! Whole answers of an engine: lists, one image, one container, its version, and its complaints.
#![no_main]

use imagefleet_engine::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    fuzzing::answers(data);
    fuzzing::complaint(data);
});
