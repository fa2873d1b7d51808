use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use imagefleet_model::Timestamp;

/// Wrong passwords that an account takes before it is slowed down.
const FREE_PER_ACCOUNT: u32 = 5;
/// Wrong passwords that an address takes: several people may sit behind one.
const FREE_PER_ADDRESS: u32 = 20;
/// Failures are forgotten after so long without another.
const FORGET_AFTER: Duration = Duration::from_mins(30);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// More entries than any honest crowd makes; beyond it the oldest are forgotten.
const MOST_ENTRIES: usize = 20_000;

/// Slows down who guesses passwords, per account and per address: after some failures every further one doubles the
/// wait, up to a quarter of an hour. Kept in memory: a restart forgives.
#[derive(Debug, Default)]
pub struct Throttle {
    counters: Mutex<Counters>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Counters {
    accounts: HashMap<String, Count>,
    addresses: HashMap<IpAddr, Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    last: Timestamp,
}

impl Throttle {
    /// The turn of one attempt, to be held until its outcome is noted.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// How long this account or this address has to wait before the next attempt; `None` when it need not.
    pub fn wait(&self, account: &str, address: IpAddr, now: Timestamp) -> Option<Duration> {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let account = counters.accounts.get(&account.to_lowercase());
        let address = counters.addresses.get(&group(address));
        let waits = [
            account.and_then(|count| count.wait(FREE_PER_ACCOUNT, now)),
            address.and_then(|count| count.wait(FREE_PER_ADDRESS, now)),
        ];
        waits.into_iter().flatten().max()
    }

    /// Notes a wrong password.
    pub fn failed(&self, account: &str, address: IpAddr, now: Timestamp) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut counters.accounts, account.to_lowercase(), now);
        count(&mut counters.addresses, group(address), now);
    }

    /// Notes a right one: the account starts afresh. The address does not, or one own account would be enough to
    /// guess at others without end.
    pub fn succeeded(&self, account: &str) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.accounts.remove(&account.to_lowercase());
    }
}

impl Count {
    fn wait(self, free: u32, now: Timestamp) -> Option<Duration> {
        let doublings = self.failures.checked_sub(free)?;
        let wait = Duration::from_secs(1u64 << doublings.min(20)).min(LONGEST_WAIT);
        let passed = (now - self.last).to_std().unwrap_or_default();
        wait.checked_sub(passed).filter(|left| !left.is_zero())
    }
}

/// Whoever has one IPv6 address has the whole /64.
fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn count<K: Hash + Eq + Clone>(counts: &mut HashMap<K, Count>, key: K, now: Timestamp) {
    if counts.len() >= MOST_ENTRIES {
        counts.retain(|_, count| (now - count.last).to_std().unwrap_or_default() < FORGET_AFTER);
    }
    if counts.len() >= MOST_ENTRIES
        && let Some(oldest) = counts
            .iter()
            .min_by_key(|(_, count)| count.last)
            .map(|(key, _)| key.clone())
    {
        counts.remove(&oldest);
    }
    let count = counts.entry(key).or_insert(Count {
        failures: 0,
        last: now,
    });
    if (now - count.last).to_std().unwrap_or_default() >= FORGET_AFTER {
        count.failures = 0;
    }
    count.failures = count.failures.saturating_add(1);
    count.last = now;
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use imagefleet_model::{Clock as _, ManualClock, Timestamp};

    use super::Throttle;

    const A: &str = "192.0.2.1";

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_account_waits_longer_and_longer() {
        let (throttle, clock) = (Throttle::default(), ManualClock::new(Timestamp::default()));
        for _ in 0..5 {
            assert_eq!(throttle.wait("admin", address(A), clock.now()), None);
            throttle.failed("admin", address(A), clock.now());
        }
        assert_eq!(
            throttle.wait("Admin", address(A), clock.now()),
            Some(Duration::from_secs(1))
        );
        assert_eq!(throttle.wait("other", address(A), clock.now()), None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(throttle.wait("admin", address(A), clock.now()), None);
        throttle.failed("admin", address(A), clock.now());
        assert_eq!(
            throttle.wait("admin", address(A), clock.now()),
            Some(Duration::from_secs(2))
        );
        throttle.succeeded("admin");
        assert_eq!(throttle.wait("admin", address(A), clock.now()), None);
    }

    #[test]
    fn an_address_waits_whatever_the_account() {
        let (throttle, clock) = (Throttle::default(), ManualClock::new(Timestamp::default()));
        for n in 0..20 {
            throttle.failed(&format!("user{n}"), address("2001:db8::1"), clock.now());
        }
        assert!(
            throttle
                .wait("new", address("2001:db8::2"), clock.now())
                .is_some()
        );
        assert!(
            throttle
                .wait("new", address("2001:db8:1::2"), clock.now())
                .is_none()
        );
    }

    #[test]
    fn failures_are_forgotten() {
        let (throttle, clock) = (Throttle::default(), ManualClock::new(Timestamp::default()));
        for _ in 0..5 {
            throttle.failed("admin", address(A), clock.now());
        }
        clock.advance(Duration::from_mins(31));
        throttle.failed("admin", address(A), clock.now());
        assert_eq!(throttle.wait("admin", address(A), clock.now()), None);
    }
}
