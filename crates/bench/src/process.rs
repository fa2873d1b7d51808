use std::time::Duration;

use anyhow::Context as _;

/// What Linux counts in a second of a process's time (`USER_HZ`, the same on every architecture that we build for).
const TICKS: u64 = 100;

/// A process that is watched through proc(5).
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Bytes of memory that it holds now.
    pub fn memory(self) -> anyhow::Result<u64> {
        self.status("VmRSS:")
    }

    /// The most that it held since [`forget_peak`](Self::forget_peak).
    pub fn peak(self) -> anyhow::Result<u64> {
        self.status("VmHWM:")
    }

    /// Begins to look for the peak anew.
    pub fn forget_peak(self) -> anyhow::Result<()> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.0), "5")?)
    }

    /// Time of processor that it has used.
    pub fn cpu(self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name in brackets may hold anything; behind it come the state and then eleven numbers before utime.
        let (_, rest) = stat.rsplit_once(')').context("no stat")?;
        let ticks: u64 = rest
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|number| number.parse::<u64>().ok())
            .sum();
        Ok(Duration::from_millis(ticks * 1_000 / TICKS))
    }

    fn status(self, field: &str) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let kib: u64 = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .and_then(|line| line.trim().strip_suffix("kB"))
            .and_then(|kib| kib.trim().parse().ok())
            .with_context(|| format!("no {field}"))?;
        Ok(kib * 1_024)
    }
}
