//! A rollback goes only to what was main.

use anyhow::Result;
use serde_json::json;
use understudy_crds::{ModelDeployment, ModelVersion, RollbackResult, Stage};

use understudy_e2e::bare::in_a_world;

#[tokio::test]
async fn a_rollback_to_a_version_that_was_approved_for_production_and_still_waits_is_refused() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({"replicas": 2})).await?;
        world.promote("fraud", "1.0.0").await?;
        let first = world.stage("fraud", "1.1.0").await?;
        let queued = world.stage("fraud", "1.2.0").await?;
        // Its second pod does not become ready: the next version waits behind it.
        world.kubelet().breaks("1.1.0");
        for name in [&first, &queued] {
            world.request_and_approve(name, Stage::Production).await?;
            let approved = |v: &ModelVersion| v.production_approval().is_some();
            world.await_version("approved", name, approved).await?;
        }

        world.roll_back("fraud", "1.2.0", "now").await?;
        let refused = |md: &ModelDeployment| {
            let rollback = md.status.as_ref().and_then(|status| status.rollback.as_ref());
            rollback.is_some_and(|r| r.result == RollbackResult::Refused)
        };
        world.await_deployment("the rollback is refused", "fraud", refused).await?;
        world.await_main("fraud", "1.0.0").await?;
        Ok(())
    })
    .await
}
