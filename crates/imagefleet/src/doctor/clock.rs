use imagefleet_model::Timestamp;

use super::report::Finding;

/// Clocks that differ by more confuse whoever compares logs, and tokens of registries.
const SKEW: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

/// What is wrong with the clock of another machine that said `there` some time between a question and its answer.
pub fn skew(what: &str, there: Timestamp, began: Timestamp, ended: Timestamp) -> Option<Finding> {
    let ahead = there - ended;
    let behind = began - there;
    let (by, word) = if ahead > SKEW {
        (ahead, "ahead of")
    } else if behind > SKEW {
        (behind, "behind")
    } else {
        return None;
    };
    Some(Finding::warning(
        what,
        format!("its clock is {} s {word} this machine's", by.num_seconds()),
        "Let both machines set their clocks by NTP.",
    ))
}

#[cfg(test)]
mod tests {
    use super::skew;

    #[test]
    fn only_a_clock_that_is_clearly_wrong_is_told() {
        let now: imagefleet_model::Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let told = |seconds: i64| {
            let there = now + chrono::TimeDelta::seconds(seconds);
            let ended = now + chrono::TimeDelta::seconds(5);
            skew("server a", there, now, ended).map(|finding| finding.message)
        };
        assert_eq!(told(0), None);
        assert_eq!(told(34), None);
        assert!(told(50).is_some_and(|text| text.contains("45 s ahead")));
        assert!(told(-60).is_some_and(|text| text.contains("60 s behind")));
    }
}
