use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::fleet::Fleet;
use crate::{archives_whole, inventories, resources};

/// How long what is under way may take to end once nothing goes wrong any more.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a row may look as if a step were on its way.
const GRACE: Duration = Duration::from_secs(20);

const ENDED: &str = "no operation or step stays open";
const ROWS: &str = "no image row stays PULLING or DELETING";
const TOLD: &str = "every operation ends with its one final event";

/// Waits until all is quiet, and looks at every invariant.
pub async fn check(fleet: &Fleet, round: usize) {
    operations_end(fleet).await;
    every_end_was_told(fleet).await;
    no_row_is_in_between(fleet).await;
    inventories::check(fleet).await;
    archives_whole::check(fleet).await;
    resources::check(fleet, round).await;
}

async fn operations_end(fleet: &Fleet) {
    let end = Instant::now() + PATIENCE;
    loop {
        let open = fleet.list("/operations?active=true").await;
        if open.is_empty() {
            return fleet.tally.check(ENDED);
        }
        if Instant::now() > end {
            fleet.tally.check(ENDED);
            return fleet.tally.breach(ENDED, format!("{open:#?}"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One for each time that it was begun; a retry that comes before the end was told leaves one to tell.
async fn every_end_was_told(fleet: &Fleet) {
    for (id, begun) in fleet.begun() {
        let operation = fleet.get(&format!("/operations/{id}")).await;
        let status = operation["status"].as_str().unwrap_or_default().to_owned();
        // It may still be on its way to us.
        for _ in 0..100 {
            if fleet.listener.of(&id).last_status == status {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let heard = fleet.listener.of(&id);
        let holds = heard.ends >= 1 && heard.ends <= begun && heard.last_status == status;
        fleet.tally.hold(TOLD, holds, || {
            format!("{id}: begun {begun} times, {heard:?}, stored {operation}")
        });
        fleet
            .tally
            .hold(ENDED, steps_are_closed(&operation), || format!("{operation:#}"));
    }
}

fn steps_are_closed(operation: &Value) -> bool {
    let steps = operation["steps"].as_array().cloned().unwrap_or_default();
    steps
        .iter()
        .all(|step| !matches!(step["status"].as_str(), Some("queued" | "running") | None))
}

/// A request that broke off in the middle is put right by the reconciler, after its grace.
async fn no_row_is_in_between(fleet: &Fleet) {
    for status in ["PULLING", "DELETING"] {
        let end = Instant::now() + GRACE;
        let mut rows = fleet.list(&format!("/images?status={status}")).await;
        while !rows.is_empty() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(200)).await;
            rows = fleet.list(&format!("/images?status={status}")).await;
        }
        fleet.tally.hold(ROWS, rows.is_empty(), || format!("{rows:#?}"));
    }
}
