use std::time::Duration;

use imagefleet_model::ManualClock;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often the clock is moved.
const TICK: Duration = Duration::from_millis(10);

/// Lets a clock that is turned by hand go on by itself as well, so that waits end and jumps are still possible.
pub fn tick(clock: ManualClock) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut last = Instant::now();
        loop {
            tokio::time::sleep(TICK).await;
            let now = Instant::now();
            clock.advance(now - last);
            last = now;
        }
    })
}
