//! Everything that an engine sends as a stream: messages of pulls, pushes and loads, events, logs, figures.
#![no_main]

use imagefleet_engine::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let chunks = || rest.chunks(usize::from(*first) + 1);
    fuzzing::transfer(chunks());
    fuzzing::events(chunks());
    fuzzing::figures(chunks());
    fuzzing::log_frames(chunks());
});
