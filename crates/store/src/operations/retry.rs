use imagefleet_model::{ErrorCode, Failure, Operation};

use super::turn::take_turn;
use crate::{Result, Store, StoreError, sql};

impl Store {
    /// Opens an ended operation again: the steps that did not succeed are queued, the others stay as they are.
    pub async fn retry_operation(&self, operation: &str) -> Result<Operation> {
        let now = self.now_ms();
        self.write(async |tx| {
            take_turn(tx).await?;
            let reopened = sql::run(
                tx,
                "UPDATE operations SET status = 'queued', finished_at = NULL, error = NULL, result = NULL, message = '',
                    cancel_requested = FALSE, announced = FALSE, progress = 0
                 WHERE id = $1 AND finished_at IS NOT NULL AND status <> 'succeeded'",
                vec![operation.into()],
            )
            .await?;
            if reopened == 0 {
                return Err(StoreError::Refused(Failure::new(
                    ErrorCode::NothingToRetry,
                    "Only an operation that has ended without success can be retried.",
                )));
            }
            sql::run(
                tx,
                "UPDATE operation_steps SET status = 'queued', progress = 0, message = '', bytes_done = 0,
                    bytes_total = NULL, bytes_per_second = NULL, layers = NULL, attempt = 0, not_before = 0,
                    error = NULL, result = NULL, started_at = NULL, finished_at = NULL, shared_with = NULL,
                    queued_at = $2, waiting = '',
                    audited = FALSE, untold = FALSE
                 WHERE operation_id = $1 AND status <> 'succeeded'",
                vec![operation.into(), now.into()],
            )
            .await?;
            Ok(())
        })
        .await?;
        self.existing_operation(operation).await
    }
}
