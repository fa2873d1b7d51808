//! imagefleet.
fn main() {}
