//! A version that never becomes ready does not block the good one that is approved after it.

use anyhow::{Result, ensure};
use serde_json::json;
use understudy_crds::Stage;

use understudy_e2e::bare::in_a_world;

#[tokio::test]
async fn a_version_that_does_not_serve_in_staging_does_not_block_the_next_one() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({"rollout": {"deadline": "600s"}})).await?;
        world.promote("fraud", "1.0.0").await?;
        world.kubelet().breaks("1.1.0");
        let broken = world.publish("fraud", "1.1.0").await?;
        world.request_and_approve(&broken, Stage::Staging).await?;
        world.await_stage(&broken, Stage::Staging).await?;
        world.request_and_approve(&broken, Stage::Production).await?;

        world.promote("fraud", "1.2.0").await?;
        let md = world.await_main("fraud", "1.2.0").await?;
        let mains: Vec<_> = md.status.into_iter().flat_map(|s| s.history).map(|h| h.version).collect();
        ensure!(!mains.contains(&"1.1.0".to_owned()), "a version without a ready pod was main: {mains:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_promotion_that_gets_nowhere_ends_after_its_deadline_and_the_next_one_follows() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({"replicas": 2, "rollout": {"deadline": "3s"}})).await?;
        let stuck = world.stage("fraud", "1.1.0").await?;
        // It serves with one pod, and a second one never becomes ready.
        world.kubelet().breaks("1.1.0");
        world.request_and_approve(&stuck, Stage::Production).await?;
        world.await_version("its promotion has ended", &stuck, |v| v.transition().is_none()).await?;
        world.await_stage(&stuck, Stage::Staging).await?;
        let next = world.stage("fraud", "1.2.0").await?;
        world.request_and_approve(&next, Stage::Production).await?;
        world.await_main("fraud", "1.2.0").await?;
        Ok(())
    })
    .await
}
