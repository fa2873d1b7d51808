/// The value of a lab variable. Without the lab the case is skipped and says so; where the lab is promised, its
/// absence is a failure.
pub fn required(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        let promised = std::env::var("IMAGEFLEET_LAB_REQUIRED").is_ok_and(|word| word == "1");
        assert!(
            !promised,
            "{variable} is not set, but IMAGEFLEET_LAB_REQUIRED is 1"
        );
        eprintln!("skipped: {variable} is not set (scripts/lab/lab-up brings the lab up)");
    }
    value
}
