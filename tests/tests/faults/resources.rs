use std::time::Duration;

use crate::fleet::Fleet;

const FILES: &str = "open files do not grow";
const ROUTINES: &str = "routines do not grow";
const MEMORY: &str = "memory does not grow";
/// Rounds before what is measured counts: pools, caches and allocators fill first.
const WARM: usize = 3;

/// Files that are open, routines that run, memory that is taken: compared with what was after the first rounds.
pub async fn check(fleet: &Fleet, round: usize) {
    // What was cancelled a moment ago is on its way out.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let now = [
        (FILES, open_files(), 40),
        (ROUTINES, routines(), 40),
        (MEMORY, resident_mib(), 64),
    ];
    for (name, value, slack) in now {
        let first = fleet.tally.figure(name, value, round <= WARM);
        fleet.tally.hold(name, value <= first + slack, || {
            format!("{first} at first, {value} after round {round}")
        });
    }
}

fn open_files() -> u64 {
    std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64)
}

fn routines() -> u64 {
    tokio::runtime::Handle::current().metrics().num_alive_tasks() as u64
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
        .unwrap_or(0);
    kib / 1_024
}
