//! The last test of `make test-e2e`: what operators and model servers have logged while the stories ran.

use std::path::PathBuf;

use anyhow::{Context, Result};
use understudy_e2e::pod_logs;

#[test]
fn no_pod_has_logged_a_panic_or_an_error_that_no_story_causes() -> Result<()> {
    let folder = std::env::var_os("POD_LOGS")
        .map(PathBuf::from)
        .context("POD_LOGS is not set: run e2e/cluster/test e2e, which keeps the logs of all pods")?;
    pod_logs::ensure_clean(&folder)
}
