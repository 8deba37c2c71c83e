//! A rollback goes only to what was main.

use anyhow::Result;
use serde_json::json;
use understudy_crds::{ModelDeployment, RollbackResult, Stage};

use crate::kit::in_a_world;

#[tokio::test]
async fn a_rollback_to_a_version_that_was_approved_for_production_and_never_was_main_is_refused() -> Result<()>
{
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({"replicas": 2})).await?;
        world.promote("fraud", "1.0.0").await?;
        let never = world.stage("fraud", "1.1.0").await?;
        // Its second pod does not become ready, so that its promotion waits until it is withdrawn.
        world.kubelet().breaks("1.1.0");
        world.request_and_approve(&never, Stage::Production).await?;
        let approved = |v: &understudy_crds::ModelVersion| v.production_approval().is_some();
        world.await_version("approved", &never, approved).await?;
        world.request(&never, Stage::Staging).await?;
        world.await_stage(&never, Stage::Staging).await?;
        world.kubelet().repairs("1.1.0");

        world.roll_back("fraud", "1.1.0", "now").await?;
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
