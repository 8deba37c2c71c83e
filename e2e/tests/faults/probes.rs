//! Pods that are ready and do not answer the operator's probe.

use anyhow::{Result, ensure};
use serde_json::json;
use understudy_crds::{ModelDeployment, Stage, condition};
use understudy_e2e::bare::{concurrently, eventually, in_a_world};

use crate::restart::passes;

/// More than the operator's passes at a time.
const SILENT: usize = 30;

#[tokio::test]
async fn promotions_that_wait_for_silent_pods_do_not_hold_up_other_models() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("only").lead().await?;
        world.kubelet().silences("1.0.0");
        concurrently((0..SILENT).map(|n| format!("silent-{n}")), async |model| {
            world.deploy(&model, &json!({})).await?;
            let version = world.stage(&model, "1.0.0").await?;
            world.request_and_approve(&version, Stage::Production).await
        })
        .await?;
        let waits = |md: &ModelDeployment| md.status.as_ref().is_some_and(|s| s.rollout.is_some());
        world.await_all("a promotion that waits", SILENT, waits).await?;

        world.deploy("fraud", &json!({})).await?;
        world.promote("fraud", "2.0.0").await?;
        world.promote("fraud", "2.1.0").await?;
        world.roll_back("fraud", "2.0.0", "while others wait").await?;
        world.await_main("fraud", "2.0.0").await?;

        // A probe gives up after five seconds. A pass that waits for it takes longer than two.
        let controller = ("controller", "modeldeployment");
        let short = eventually("passes are counted", async || {
            operator.metric("understudy_reconcile_duration_seconds_bucket", &[controller, ("le", "2")]).await
        })
        .await?;
        let all = passes(&operator, "modeldeployment").await?;
        ensure!(short * 2.0 > all, "only {short} of {all} passes did not wait for a probe");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_challenger_whose_first_probe_failed_gets_ready() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({"challenger": {"version": "1.1.0"}})).await?;
        world.promote("fraud", "1.0.0").await?;
        world.kubelet().fails_its_first_probe("1.1.0");
        world.stage("fraud", "1.1.0").await?;
        let ready = |md: &ModelDeployment| {
            let conditions = md.status.as_ref().map_or(&[][..], |status| &status.conditions);
            condition::is_true(conditions, condition::CHALLENGER_READY)
        };
        world.await_deployment("the challenger is ready", "fraud", ready).await?;
        Ok(())
    })
    .await
}
