//! No operator runs.

use std::time::Duration;

use anyhow::Result;

use crate::model::under_load;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_do_not_notice_that_no_operator_runs_for_10_minutes() -> Result<()> {
    under_load("alone", async |model| {
        model.without_operator(Duration::from_mins(10)).await?;
        model.promote().await
    })
    .await
}
