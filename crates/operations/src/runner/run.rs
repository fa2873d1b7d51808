use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use imagefleet_model::{ErrorCode, Failure, millis};
use imagefleet_store::{ClaimedStep, StepOutcome};
use tracing::Instrument as _;

use super::{Shared, Stop, pump, settle};
use crate::context::StepContext;
use crate::kinds::{self, Done};

/// A registry may ask for more patience than a person has: longer waits are a failure.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Runs one claimed step to its outcome and stores that.
pub async fn run(shared: &Arc<Shared>, step: ClaimedStep) {
    let span = tracing::info_span!(
        "step", operation = %step.operation_id, kind = step.kind.as_str(), server = step.server_id, step = step.id
    );
    async {
        let started = tokio::time::Instant::now();
        let stop = Arc::new(Stop::default());
        shared.stops().insert(step.id, Arc::clone(&stop));
        let progress = shared.board.open(step.id, step.kind);
        progress.say("Starting");
        let context =
            StepContext { deps: shared.deps.clone(), step: step.clone(), progress, cancel: stop.cancel.child_token() };
        let outcome = tokio::select! {
            biased;
            () = stop.lost.cancelled() => None,
            outcome = outcome(shared, &context, &stop) => Some(outcome),
        };
        context.cancel.cancel();
        // Of one that was lost another program tells by now.
        if outcome.is_some() {
            pump::keep_last(shared, step.id).await;
        }
        shared.board.close(step.id);
        let Some(outcome) = outcome else {
            shared.forget(step.id, &stop);
            return;
        };
        metrics::histogram!("imagefleet_step_seconds", "kind" => step.kind.as_str(), "outcome" => word(&outcome))
            .record(started.elapsed().as_secs_f64());
        tracing::info!(outcome = word(&outcome), attempt = step.attempt, "step ended");
        // Rows are put right before the outcome can be read: who sees the end sees its effect.
        kinds::settled(&context, &outcome).await;
        settle::finish(shared, &step, &outcome).await;
        shared.forget(step.id, &stop);
    }
    .instrument(span)
    .await;
}

async fn outcome(shared: &Shared, context: &StepContext, stop: &Stop) -> StepOutcome {
    let work = AssertUnwindSafe(kinds::run(context)).catch_unwind();
    let ended = tokio::select! {
        biased;
        () = stop.cancel.cancelled() => return StepOutcome::Cancelled,
        () = stop.interrupt.cancelled() => return StepOutcome::HandedOver,
        ended = work => ended,
    };
    match ended {
        Ok(Ok(Done { message, result })) => StepOutcome::Succeeded(message, result),
        Ok(Err(failure)) => after_failure(shared, context, &failure),
        Err(_) => {
            let failure = Failure::new(ErrorCode::Internal, "Something of ours broke while it ran.");
            StepOutcome::Failed(failure.info())
        }
    }
}

/// Tries again what may pass by itself, later each time and never earlier than the other side asked for.
fn after_failure(shared: &Shared, context: &StepContext, failure: &Failure) -> StepOutcome {
    tracing::warn!(code = failure.code.as_str(), error = %failure.message, "step failed");
    let attempt = context.step.attempt;
    match failure.retry_after {
        Some(asked) if attempt < shared.options.attempts && asked <= LONGEST_WAIT => {
            let backoff = shared.options.backoff * 2u32.saturating_pow(attempt.saturating_sub(1).min(10));
            let jitter = backoff.mul_f64(rand::random_range(0.0..0.25));
            let wait = asked.max(backoff + jitter);
            StepOutcome::Again(failure.info(), millis(wait))
        }
        _ => StepOutcome::Failed(failure.info()),
    }
}

fn word(outcome: &StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Succeeded(..) => "succeeded",
        StepOutcome::Failed(_) => "failed",
        StepOutcome::Cancelled => "cancelled",
        StepOutcome::Interrupted => "interrupted",
        StepOutcome::Again(..) => "again",
        StepOutcome::HandedOver => "handed_over",
    }
}
