//! References and platforms: what is taken is written so that it is read as the same again.
#![no_main]

use imagefleet_model::{Endpoint, Glob, ImageRef, Platform};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(parsed) = ImageRef::parse(text) {
        let written = parsed.to_string();
        assert_eq!(ImageRef::parse(&written).as_ref(), Ok(&parsed), "{written}");
        let canonical = ImageRef::parse(&parsed.canonical_repository()).map(|again| again.repository());
        assert_eq!(canonical, Ok(parsed.repository()));
    }
    if let Some(platform) = Platform::parse(text) {
        assert_eq!(Platform::parse(&platform.to_string()), Some(platform));
    }
    if let Ok(endpoint) = text.parse::<Endpoint>() {
        assert_eq!(endpoint.to_string().parse::<Endpoint>().as_ref(), Ok(&endpoint), "{endpoint}");
    }
    let _ = Glob::new(text).matches(text);
});
