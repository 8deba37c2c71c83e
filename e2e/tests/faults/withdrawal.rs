//! A request that is withdrawn while its roll-out waits.

use anyhow::Result;
use serde_json::json;
use understudy_crds::{ModelVersion, Stage};

use understudy_e2e::bare::in_a_world;

#[tokio::test]
async fn an_approved_request_can_be_withdrawn_while_its_pods_start_and_requested_again() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({"replicas": 2})).await?;
        let name = world.stage("fraud", "1.0.0").await?;
        world.kubelet().breaks("1.0.0");
        world.request_and_approve(&name, Stage::Production).await?;
        let approved = |v: &ModelVersion| v.production_approval().is_some();
        world.await_version("approved", &name, approved).await?;
        world.request(&name, Stage::Staging).await?;
        world.await_stage(&name, Stage::Staging).await?;
        world.open_request(&name, Stage::Production).await?;
        Ok(())
    })
    .await
}
