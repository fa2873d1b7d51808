//! The fault suite: random deeds on a fleet of fake engines behind sockets, while faults strike, and then the invariants
//! that must hold whatever happened. The short form is part of `make test`; the long one, `make soak`, is the ignored
//! tests with `soak` in their name. `docs/TESTING.md` tells what is injected and what is checked.
//!
//! A run follows from its seed, which is printed: `IMAGEFLEET_SOAK_SEED` repeats the deeds and faults of another run.

mod archives_whole;
mod clock_ticks;
mod deeds;
mod fleet;
mod invariants;
mod inventories;
mod listener;
mod mischief;
mod random;
mod resources;
mod tally;

use std::time::Duration;

use imagefleet_store::testing::{self, TestStore};

use crate::fleet::Fleet;
use crate::random::Random;
use crate::tally::Tally;

/// Servers of a fleet.
const SERVERS: usize = 5;
/// Deeds between two looks at the invariants.
const DEEDS: usize = 24;

/// Rounds of deeds and faults, each with a look at the invariants, until `enough` says so.
async fn rounds(at: TestStore, seed: u64, title: &str, mut enough: impl FnMut(usize) -> bool) -> Tally {
    println!("{title}: seed {seed}");
    let mut random = Random::new(seed);
    let fleet = Fleet::start(at, SERVERS, seed).await;
    let mut round = 0;
    while !enough(round) {
        round += 1;
        for _ in 0..DEEDS {
            mischief::maybe(&fleet, &mut random);
            deeds::one(&fleet, &mut random).await;
            tokio::time::sleep(Duration::from_millis(random.below(60))).await;
        }
        fleet.heal();
        invariants::check(&fleet, round).await;
    }
    fleet.end().await
}

fn seed(usual: u64) -> u64 {
    std::env::var("IMAGEFLEET_SOAK_SEED").map_or(usual, |text| text.parse().expect("a number"))
}

/// The short form: a few rounds of a fixed seed.
async fn short(at: TestStore, seed_of_this: u64, title: &str) {
    let tally = rounds(at, seed(seed_of_this), title, |round| round == 3).await;
    tally.print(title);
    tally.require_none();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_stuck_half_or_untold_on_sqlite() {
    short(testing::sqlite().await, 6, "SQLite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_stuck_half_or_untold_on_postgresql() {
    if let Some(at) = testing::stores().await.into_iter().nth(1) {
        short(at, 7, "PostgreSQL").await;
    }
}

/// The long form, half of the time on each database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long form: make soak"]
async fn soak_fakes() {
    let minutes: u64 =
        std::env::var("IMAGEFLEET_SOAK_MINUTES").map_or(2, |text| text.parse().expect("minutes"));
    let stores = testing::stores().await;
    let share = Duration::from_secs(minutes * 60) / u32::try_from(stores.len()).unwrap_or(1);
    let mut all = Vec::new();
    for (at, title) in stores.into_iter().zip(["fakes, SQLite", "fakes, PostgreSQL"]) {
        let end = tokio::time::Instant::now() + share;
        let seed = seed(std::process::id().into());
        all.push((
            title,
            rounds(at, seed, title, |_| tokio::time::Instant::now() >= end).await,
        ));
    }
    for (title, tally) in &all {
        tally.print(title);
    }
    for (_, tally) in &all {
        tally.require_none();
    }
}
