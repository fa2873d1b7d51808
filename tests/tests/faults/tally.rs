use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was done, what struck, what was looked at, and what did not hold.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    faults: BTreeMap<String, u64>,
    outcomes: BTreeMap<(String, String), u64>,
    checks: BTreeMap<&'static str, u64>,
    breaches: Vec<(&'static str, String)>,
    figures: BTreeMap<&'static str, (u64, u64)>,
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn fault(&self, kind: &str) {
        *self.lock().faults.entry(kind.to_owned()).or_default() += 1;
    }

    pub fn outcome(&self, kind: &str, status: &str) {
        *self
            .lock()
            .outcomes
            .entry((kind.to_owned(), status.to_owned()))
            .or_default() += 1;
    }

    /// An invariant was looked at once more.
    pub fn check(&self, invariant: &'static str) {
        *self.lock().checks.entry(invariant).or_default() += 1;
    }

    /// It did not hold. It is printed at once: what follows may hide it.
    pub fn breach(&self, invariant: &'static str, how: String) {
        println!("BREACH  {invariant}: {how}");
        self.lock().breaches.push((invariant, how));
    }

    /// Looks at an invariant.
    pub fn hold(&self, invariant: &'static str, holds: bool, how: impl FnOnce() -> String) {
        self.check(invariant);
        if !holds {
            self.breach(invariant, how());
        }
    }

    /// A figure over time: the most of the first rounds, which is given back, and its latest.
    pub fn figure(&self, name: &'static str, value: u64, first: bool) -> u64 {
        let mut counts = self.lock();
        let (base, latest) = counts.figures.entry(name).or_default();
        *latest = value;
        if first {
            *base = value.max(*base);
        }
        *base
    }

    /// The table.
    pub fn print(&self, title: &str) {
        let counts = self.lock();
        println!("\n--- {title}");
        println!("faults injected");
        for (kind, count) in &counts.faults {
            println!("  {count:>7}  {kind}");
        }
        println!("operations ended");
        for ((kind, status), count) in &counts.outcomes {
            println!("  {count:>7}  {kind} {status}");
        }
        println!("figures, first and last");
        for (name, (first, last)) in &counts.figures {
            println!("  {first:>7} {last:>7}  {name}");
        }
        println!("invariants: checked, breached");
        for (invariant, count) in &counts.checks {
            let breached = counts
                .breaches
                .iter()
                .filter(|(name, _)| name == invariant)
                .count();
            println!("  {count:>7} {breached:>7}  {invariant}");
        }
    }

    /// Fails when anything did not hold.
    pub fn require_none(&self) {
        let counts = self.lock();
        assert!(
            counts.breaches.is_empty(),
            "{} breaches: {:#?}",
            counts.breaches.len(),
            counts.breaches
        );
        assert!(counts.outcomes.values().sum::<u64>() > 0, "nothing was done");
    }
}
