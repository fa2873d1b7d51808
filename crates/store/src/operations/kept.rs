use serde_json::Value;

use crate::{Result, Store, sql};

impl Store {
    /// Keeps what has come of a running step so far. It stays its result when the step does not succeed: what was
    /// made on a server can be found although the rest went wrong, also after a crash.
    pub async fn keep_step_result(&self, step: i64, result: &Value) -> Result<()> {
        let result = result.to_string();
        self.write(async |tx| {
            sql::run(
                tx,
                "UPDATE operation_steps SET result = $2 WHERE id = $1 AND status = 'running'",
                vec![step.into(), result.into()],
            )
            .await
        })
        .await?;
        Ok(())
    }
}
